/** Bytes of memory as text: whole MiB, or GiB with two decimals. */
export function memorySize(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`
}
