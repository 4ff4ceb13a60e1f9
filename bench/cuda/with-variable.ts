/** Does `work` with an environment variable set, and puts it back as it was: what opens a session reads it then. */
export async function withVariable<Result>(
  name: string,
  value: string,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  const before = process.env[name]
  process.env[name] = value
  try {
    return await work()
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = before
  }
}
