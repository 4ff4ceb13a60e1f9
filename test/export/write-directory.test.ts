import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeDirectory } from '../../lib/export/write-directory.js'
import { temporaryDirectory } from '../models/fixture-models.js'

/** A directory with a file and a folder that holds one, both saying `text`. */
async function write(target: string, text: string): Promise<void> {
  await writeDirectory(target, async (directory) => {
    await mkdir(join(directory, 'folder'))
    await writeFile(join(directory, 'file'), text)
    await writeFile(join(directory, 'folder', 'inner'), text)
  })
}

test('a directory with folders takes the place of an earlier one', async () => {
  const parent = temporaryDirectory()
  const target = join(parent, 'saved')
  await write(target, 'old')
  writeFileSync(join(target, 'folder', 'notes'), 'mine')
  await write(target, 'new')
  expect(readFileSync(join(target, 'file'), 'utf8')).toBe('new')
  expect(readFileSync(join(target, 'folder', 'inner'), 'utf8')).toBe('new')
  expect(readFileSync(join(target, 'folder', 'notes'), 'utf8')).toBe('mine')
  expect(readdirSync(parent)).toEqual(['saved'])
})

test('a file is not replaced by a folder', async () => {
  const target = join(temporaryDirectory(), 'saved')
  mkdirSync(target)
  writeFileSync(join(target, 'folder'), 'mine')
  await expect(write(target, 'new')).rejects.toMatchObject({ code: 'file-write-failed', where: target })
  expect(readFileSync(join(target, 'folder'), 'utf8')).toBe('mine')
})
