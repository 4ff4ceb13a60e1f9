/** Fetches one file by the built library, for tests with several processes. Prints what came. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settleHubOptions } from '../../dist/hub/hub-options.js'
import { parseRepository } from '../../dist/hub/repository.js'
import { fetchSnapshot } from '../../dist/hub/snapshot.js'

const repository = parseRepository('org/name', 'model')
const directory = await fetchSnapshot(
  repository,
  () => Promise.resolve(['model.safetensors']),
  await settleHubOptions(),
)
process.stdout.write(String(readFileSync(join(directory, 'model.safetensors')).length))
