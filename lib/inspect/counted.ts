/** `1 row`, `1,234 rows`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}

const ofOne: Readonly<Record<string, string>> = {
  are: 'is',
  have: 'has',
  repeat: 'repeats',
  ask: 'asks',
  lose: 'loses',
}

/** `1 row has …`, `2 rows have …`: what begins with a verb in the plural, said of so many. */
export function countedThat(count: number, noun: string, says: string): string {
  const [verb = ''] = says.split(' ', 1)
  const agreed = count === 1 ? (ofOne[verb] ?? verb) + says.slice(verb.length) : says
  return `${counted(count, noun)} ${agreed}`
}
