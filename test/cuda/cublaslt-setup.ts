/** Of the project 'cublaslt': as of 'cuda', and models multiply by cuBLASLt. */
import './setup.js'
import { afterAll, expect } from 'vitest'
import { CublasLtTrace, standIn } from './emulated-cublaslt.js'

const trace = new CublasLtTrace()
afterAll(() => {
  if (standIn() !== undefined) expect(trace.take()).not.toEqual([])
  trace.dispose()
})
