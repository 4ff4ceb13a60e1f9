import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  headerProblems,
  layeringProblems,
  lengthProblems,
  libLayers,
  nameProblems,
  nativeLayers,
  type SourceFile,
} from './rules.js'

const root = join(import.meta.dirname, '../..')

function sources(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs|py|cpp|cu|h|md)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(root.length + 1), text: readFileSync(path, 'utf8') }))
}

const native = sources('native').filter(({ path }) => !path.endsWith('.md'))
const lib = sources('lib').filter(({ path }) => path.endsWith('.ts'))
const all = ['native', 'lib', 'test', 'bench', 'scripts', 'examples', 'docs'].flatMap(sources)

describe('the tree', () => {
  test('has sources to look at', () => {
    expect(native.length).toBeGreaterThan(20)
    expect(lib.length).toBeGreaterThan(10)
  })

  test('native/: every include points down', () => {
    expect(layeringProblems(nativeLayers, native)).toEqual([])
  })

  test('lib/: every import points down', () => {
    expect(layeringProblems(libLayers, lib)).toEqual([])
  })

  test('JavaScript headers and intrinsics stay in their places', () => {
    expect(headerProblems(native)).toEqual([])
  })

  test('names say what is inside', () => {
    expect(nameProblems(all.map(({ path }) => path))).toEqual([])
  })

  test('no file is longer than 600 lines', () => {
    expect(lengthProblems(all)).toEqual([])
  })
})

describe('the rules', () => {
  const file = (path: string, text: string): SourceFile => ({ path, text })

  test('accept arrows that point down or stay inside', () => {
    expect(
      layeringProblems(nativeLayers, [
        file('native/graph/plan.cpp', '#include "graph/plan.h"\n#include "core/error.h"\n#include <vector>\n'),
        file('native/binding/addon.cpp', '#include "engine/engine.h"\n'),
      ]),
    ).toEqual([])
    expect(
      layeringProblems(libLayers, [
        file('lib/index.ts', "export { Trainer } from './train/trainer.js'\nexport * from './errors.js'\n"),
        file('lib/data/encode.ts', "import { z } from 'zod'\nimport { Tokenizer } from '../tokenizer/tokenizer.js'\n"),
      ]),
    ).toEqual([])
  })

  test('refuse an include that points up', () => {
    expect(layeringProblems(nativeLayers, [file('native/kernels/cpu/add.cpp', '#include "ops/op.h"\n')])).toEqual([
      'native/kernels/cpu/add.cpp: kernels -> ops does not point down (native/ops/op.h)',
    ])
  })

  test('refuse an include of a sibling', () => {
    expect(layeringProblems(nativeLayers, [file('native/data/a.h', '  # include "ops/op.h"\n')])).toHaveLength(1)
  })

  test.each([
    ["import { train } from '../train/trainer.js'"],
    ["import type { Trainer } from '../train/trainer.js'"],
    ["export { Trainer } from '../train/trainer.js'"],
    ["const { Trainer } = await import('../train/trainer.js')"],
    ["import '../train/trainer.js'"],
    ["import {\n  Trainer,\n} from '../train/trainer.js'"],
  ])('refuse an import that points up: %s', (text) => {
    expect(layeringProblems(libLayers, [file('lib/nn/linear.ts', text)])).toEqual([
      'lib/nn/linear.ts: nn -> train does not point down (lib/train/trainer.js)',
    ])
  })

  test('refuse an import of a sibling that the table does not list', () => {
    expect(
      layeringProblems(libLayers, [
        file('lib/tokenizer/a.ts', "import { rows } from '../data/rows.js'"),
        file('lib/models/b.ts', "import { tokenize } from '../tokenizer/tokenizer.js'"),
      ]),
    ).toEqual(['lib/tokenizer/a.ts: tokenizer -> data does not point down (lib/data/rows.js)'])
  })

  test('refuse what has no place in the table', () => {
    expect(layeringProblems(libLayers, [file('lib/stuff/a.ts', '')])).toHaveLength(1)
    expect(layeringProblems(libLayers, [file('lib/nn/a.ts', "import '../../bench/machine.js'")])).toHaveLength(1)
  })

  test('refuse foreign headers outside their place', () => {
    expect(
      headerProblems([
        file('native/graph/a.cpp', '#include <napi.h>\n'),
        file('native/binding/b.cpp', '#include <napi.h>\n'),
        file('native/kernels/cpu/c.cpp', '#include <immintrin.h>\n'),
        file('native/kernels/cpu/d.cpp', '#include <arm_neon.h>\n'),
        file('native/kernels/cpu/simd/avx2.h', '#include <immintrin.h>\n'),
        file('native/kernels/cpu/gemm/microkernel_avx2.h', '#include <immintrin.h>\n'),
      ]).map((problem) => problem.split(':')[0]),
    ).toEqual(['native/graph/a.cpp', 'native/kernels/cpu/c.cpp', 'native/kernels/cpu/d.cpp'])
  })

  test('refuse names that say nothing, whole words only', () => {
    expect(
      nameProblems([
        'lib/utils.ts',
        'native/common/a.h',
        'test/parity-helpers.ts',
        'native/misc_ops.cpp',
        'lib/commonality.ts',
      ]),
    ).toHaveLength(4)
  })

  test('refuse a file of 601 lines', () => {
    expect(lengthProblems([file('a.ts', 'x\n'.repeat(600)), file('b.ts', 'x\n'.repeat(601))])).toEqual([
      'b.ts: 601 lines, at most 600: split it',
    ])
  })
})
