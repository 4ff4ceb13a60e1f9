/** From a configuration to a program that can run: the graph of Llama 3 8B with LoRA on every linear layer, and its memory plan. */
import { native, type NativeProgram } from '../../dist/native.js'
import { defineModel } from '../../dist/models/index.js'
import { lossGraph } from '../../dist/models/programs.js'
import type { BenchSuite } from '../suite.js'

const config = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 128256,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  rope_theta: 500000,
  tie_word_embeddings: false,
}
const [rank, alpha] = [8, 16]
const noLossOptions = { labelSmoothing: 0, focalGamma: 0, neftuneAlpha: 0, gradientCheckpointing: false }

export function openGraph(): Promise<BenchSuite> {
  const definition = defineModel(config)
  const write = (lowRanks: ReadonlyMap<string, { rank: number; scale: number; dropout: number; magnitude: boolean }>) =>
    lossGraph(
      definition,
      { dtype: 'bf16', mode: 'train', adapter: { lowRanks, copies: new Map(), tokenRows: new Map() } },
      noLossOptions,
    )
  const linear = [...write(new Map()).modules.values()].filter(
    ({ kind, path }) => kind === 'linear' && path !== 'lm_head',
  )
  const adapted = new Map(linear.map(({ path }) => [path, { rank, scale: alpha / rank, dropout: 0, magnitude: false }]))
  // Weights that nobody touches take no memory: pages come with the first write.
  const session = new (native().Session)({ threads: 0, instructionSet: '' })
  const parameters = [...write(adapted).parameters.values()]
  for (const { name, shape } of parameters) session.defineParameter(name, [...shape], 'bf16')
  session.setTrainable(parameters.filter(({ role }) => role === 'adapter').map(({ name }) => name))
  let tokens = 4096
  const compile = (): NativeProgram => session.compile(write(adapted).graph, { loss: 'loss' })
  const program = compile()
  return Promise.resolve({
    tasks: [
      {
        name: 'graph and backward pass of Llama 3 8B with LoRA',
        work: { amount: 1, unit: 'graphs' },
        run: () => {
          compile().dispose()
          return Promise.resolve()
        },
      },
      {
        name: 'its memory plan for a batch of a new size',
        work: { amount: 1, unit: 'plans' },
        run: () => Promise.resolve(program.arenaBytes({ tokens: tokens++, sequences: 4, rows: 2048 })),
      },
    ],
    [Symbol.asyncDispose]() {
      program.dispose()
      session.dispose()
      return Promise.resolve()
    },
  })
}
