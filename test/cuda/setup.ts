/** Of the project 'cuda': tests whose models compute on the emulated GPU, or on a real one where ATTUNE_CUDA_DRIVER is set, even to nothing. */
import { beforeEach } from 'vitest'
import { unavailableCuda } from './emulated-cuda.js'

const reason = await unavailableCuda()
if (reason !== undefined) beforeEach((context) => context.skip(reason))
