/** Whether a GPU, as its driver names it, is the emulator of the tests: times on it say nothing. */
export function isEmulated(hardware: string): boolean {
  return /emulated/i.test(hardware)
}
