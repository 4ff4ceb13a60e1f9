import { readFileSync, writeFileSync } from 'node:fs'

export interface TensorBytes {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** Reads and writes safetensors files without attune's own code, so that tests can spoil them. */
export function readFileTensors(path: string): Map<string, TensorBytes> {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__')
  return new Map(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        return [name, { dtype, shape, data: bytes.subarray(8 + length + start, 8 + length + end) }]
      },
    ),
  )
}

export function writeFileTensors(path: string, tensors: ReadonlyMap<string, TensorBytes>): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.length] }
    offset += data.length
  }
  const text = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(path, Buffer.concat([size, text, ...[...tensors.values()].map(({ data }) => data)]))
}
