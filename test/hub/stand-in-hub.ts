/** A Hub for tests: the routes that clients ask, on this machine, with faults where a test wants them. Large files lie on a second host. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StandInRepository {
  readonly kind: 'model' | 'dataset'
  readonly id: string
  /** Commits by the name of a branch or tag. */
  readonly refs: Record<string, string>
  /** Files by commit. */
  readonly commits: Record<string, Record<string, string | Buffer>>
  /** Who may read it: anybody, whoever has the token, or of these those that were let in. */
  readonly access?: 'private' | 'gated'
}

export interface SeenRequest {
  readonly host: 'hub' | 'storage'
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
}

/** What goes wrong with one answer. */
export interface Fault {
  readonly status?: number
  readonly headers?: Record<string, string>
  /** Bytes after which the connection is cut. */
  readonly cutAfter?: number
  /** Bytes after which nothing comes any more, while the connection stays open. */
  readonly stallAfter?: number
  /** Other contents of the same length, or longer ones. */
  readonly contents?: Buffer
  /** Ranges are not heeded. */
  readonly wholeAlways?: boolean
}

export const token = 'hf_stand-in'
export const [firstCommit, secondCommit] = ['1'.repeat(40), '2'.repeat(40)] as const

/** Files from that size on, and all weights, are kept apart from git. */
const large = 1 << 20

const entriesPerPage = 3

export class StandInHub implements AsyncDisposable {
  readonly requests: SeenRequest[] = []
  readonly #repositories: StandInRepository[] = []
  readonly #servers: Server[]
  readonly #addresses = ['', '']
  /** Asked for each request; what it gives goes wrong. */
  fault: (request: SeenRequest) => Fault | undefined = () => undefined

  private constructor() {
    this.#servers = [
      createServer((request, response) => this.#answer('hub', request, response)),
      createServer((request, response) => this.#answer('storage', request, response)),
    ]
  }

  static async start(...repositories: StandInRepository[]): Promise<StandInHub> {
    const hub = new StandInHub()
    hub.#repositories.push(...repositories)
    for (const [i, server] of hub.#servers.entries()) {
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      hub.#addresses[i] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    return hub
  }

  get endpoint(): string {
    return this.#addresses[0]!
  }

  /** Requests for contents. */
  get downloads(): SeenRequest[] {
    return this.requests.filter(({ path }) => path.includes('/resolve/') || path.startsWith('/storage/'))
  }

  add(repository: StandInRepository): void {
    this.#repositories.push(repository)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    }
  }

  #answer(host: SeenRequest['host'], request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request
    const { authorization, range } = request.headers
    const seen = { host, method, path: url, authorization, range }
    this.requests.push(seen)
    const fault = this.fault(seen)
    if (fault?.status !== undefined) {
      response.writeHead(fault.status, fault.headers).end()
      return
    }
    const { pathname, searchParams } = new URL(url, 'http://hub')
    if (host === 'storage') this.#store(pathname, seen, response, fault)
    else this.#route(decodeURIComponent(pathname), searchParams, seen, response, fault)
  }

  #route(path: string, query: URLSearchParams, seen: SeenRequest, response: ServerResponse, fault?: Fault): void {
    const api = /^\/api\/(models|datasets)\/(.+?)\/(revision|tree)\/(.+)$/.exec(path)
    const file = /^\/(datasets\/)?(.+?)\/resolve\/([0-9a-f]{40}|[^/]+)\/(.+)$/.exec(path)
    const [kind, id, revision] =
      api === null
        ? [file?.[1] === undefined ? 'model' : 'dataset', file?.[2], file?.[3]]
        : [api[1] === 'models' ? 'model' : 'dataset', api[2], api[4]]
    const found = this.#repositories.find((repository) => repository.kind === kind && repository.id === id)
    const known = seen.authorization === `Bearer ${token}`
    if (seen.authorization !== undefined && !known) {
      refuse(response, 401, undefined, 'Invalid credentials in Authorization header')
      return
    }
    if (found === undefined || (found.access === 'private' && !known)) {
      refuse(response, known ? 404 : 401, 'RepoNotFound', 'Repository not found')
      return
    }
    const commit = found.refs[revision!] ?? revision!
    const files = found.commits[commit]
    if (files === undefined) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`)
      return
    }
    if (api?.[3] === 'revision') {
      json(response, {
        _id: 'x',
        id,
        sha: commit,
        private: false,
        siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
      })
      return
    }
    if (api?.[3] === 'tree') {
      this.#tree(files, path, query, response)
      return
    }
    if (found.access === 'gated' && !known) {
      refuse(response, 401, 'GatedRepo', `Access to ${found.id} is restricted`)
      return
    }
    const contents = files[file![4]!]
    if (contents === undefined) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found')
      return
    }
    const entry = entryOf(file![4]!, contents)
    const headers = { 'x-repo-commit': commit, etag: `"${entry.oid}"` }
    if (entry.lfs === undefined) {
      send(response, Buffer.from(contents), seen, headers, fault)
      return
    }
    const location = `${this.#addresses[1]}/storage/${entry.lfs.oid}?signature=x`
    const linked = { 'x-linked-etag': `"${entry.lfs.oid}"`, 'x-linked-size': String(entry.size) }
    response.writeHead(302, { ...headers, ...linked, location }).end()
  }

  #tree(files: Record<string, string | Buffer>, path: string, query: URLSearchParams, response: ServerResponse): void {
    const entries = Object.entries(files).map(([name, contents]) => entryOf(name, contents))
    const start = Number(query.get('cursor') ?? 0)
    const end = start + entriesPerPage
    const link = `<${this.endpoint}${path}?recursive=true&cursor=${end}>; rel="next"`
    json(response, entries.slice(start, end), end < entries.length ? { link } : {})
  }

  #store(path: string, seen: SeenRequest, response: ServerResponse, fault?: Fault): void {
    const contents = this.#repositories
      .flatMap(({ commits }) => Object.values(commits).flatMap((files) => Object.values(files)))
      .find((each) => `/storage/${sha256(each)}` === path)
    if (contents === undefined) refuse(response, 403, undefined, 'no such key')
    else send(response, Buffer.from(contents), seen, { etag: '"of-the-storage"' }, fault)
  }
}

function entryOf(path: string, contents: string | Buffer): TreeEntry {
  const bytes = Buffer.from(contents)
  const entry = { type: 'file' as const, path, size: bytes.length }
  if (bytes.length < large && !path.endsWith('.safetensors') && !path.endsWith('.parquet')) {
    return { ...entry, oid: gitHash(bytes) }
  }
  const oid = sha256(bytes)
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`
  return { ...entry, oid: gitHash(Buffer.from(pointer)), lfs: { oid, size: bytes.length, pointerSize: pointer.length } }
}

interface TreeEntry {
  readonly type: 'file'
  readonly path: string
  readonly size: number
  readonly oid: string
  readonly lfs?: { readonly oid: string; readonly size: number; readonly pointerSize: number }
}

export function sha256(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex')
}

export function gitHash(contents: string | Buffer): string {
  const bytes = Buffer.from(contents)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function refuse(response: ServerResponse, status: number, code: string | undefined, message: string): void {
  const headers = { ...(code !== undefined && { 'x-error-code': code }), 'x-error-message': message }
  response.writeHead(status, headers).end(message)
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

function send(response: ServerResponse, contents: Buffer, seen: SeenRequest, headers: object, fault?: Fault): void {
  const bytes = fault?.contents ?? contents
  const asked = fault?.wholeAlways === true ? undefined : /^bytes=(\d+)-(\d*)$/.exec(seen.range ?? '')
  const start = Number(asked?.[1] ?? 0)
  if (asked != null && start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const end = asked?.[2] === undefined || asked[2] === '' ? bytes.length : Number(asked[2]) + 1
  const part = bytes.subarray(start, end)
  response.writeHead(asked == null ? 200 : 206, {
    ...headers,
    'content-length': part.length,
    'accept-ranges': 'bytes',
    ...(asked != null && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  })
  if (seen.method === 'HEAD') response.end()
  else if (fault?.cutAfter !== undefined) response.write(part.subarray(0, fault.cutAfter), () => response.destroy())
  else if (fault?.stallAfter !== undefined) response.write(part.subarray(0, fault.stallAfter))
  else response.end(part)
}
