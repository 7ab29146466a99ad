/** Programs that flatten images too, each brought to give the tree of a case. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Engine, noEngine, startEngine } from '../helpers/engine.js'
import { dockerArchive, ociArchive, ociLayout, type TestImage } from '../helpers/generate.js'
import { attempt, has, isRoot, run } from '../helpers/programs.js'
import { type Listed, type Listing, listTar, type Sight } from './listing.js'

/** What a program made of an image: its tree, or what it said when it would not make one. */
export type Made = Listing | { readonly refused: string }

export interface Peer {
  readonly version: string
  readonly sight: Sight
  /** What it puts into every tree itself. */
  readonly stubs: readonly string[]
  flatten(image: TestImage, name: string): Promise<Made>
  stop(): Promise<void>
}

export interface PeerKind {
  readonly name: 'docker' | 'containerd' | 'podman' | 'umoci'
  /** As the table names it: the versions that the disagreements were found with. */
  readonly known: RegExp
  readonly shown: string
  readonly missing: string | undefined
  start(): Promise<Peer>
}

const names = ['docker.io/library/case:1']
const needs = (program: string): string | undefined =>
  !isRoot ? 'owners and devices need root' : has(program) ? undefined : `${program} is not installed`

/** Run the steps in turn, beside what else runs; the words of the first that fails. */
const firstFailure = async (
  steps: readonly (readonly [program: string, ...args: string[]])[],
): Promise<string | undefined> => {
  for (const [program, ...args] of steps) {
    const failure = await promisify(execFile)(program, args).then(
      () => undefined,
      ({ stderr, message }) => `${stderr || message}`.trim(),
    )
    if (failure !== undefined) return failure
  }
  return undefined
}

/** By GNU tar, which keeps nanoseconds and attributes, but of hard links only those of files. */
const listFolder = async (folder: string, file: string): Promise<Listing> => {
  const { status, stderr } = attempt('tar', [
    ...['--xattrs', '--xattrs-include=*', '--format=posix', '--numeric-owner'],
    ...['-C', folder, '-cf', file, '.'],
  ])
  // 1: an overlay may list a name that it then does not have.
  if (status !== 0 && status !== 1) throw new Error(`tar ended with ${status}: ${stderr}`)
  const firsts = new Map<bigint, string>()
  const linked = [...(await listTar(readFileSync(file)))].map(([path, listed]): [string, Listed] => {
    const { ino } = lstatSync(Buffer.from(`${folder}/${path}`, 'latin1'), { bigint: true })
    const first = listed.type === 'directory' ? undefined : firsts.get(ino)
    if (first === undefined) firsts.set(ino, path)
    return [path, { ...listed, sameAs: first }]
  })
  return new Map(linked)
}

/** One request to the engine, with its whole answer. */
const ask = async (
  { DOCKER_HOST }: Engine['env'],
  method: string,
  path: string,
  body: Uint8Array | string = '',
): Promise<{ ok: boolean; body: Buffer }> => {
  const headers = {
    'content-type': typeof body === 'string' ? 'application/json' : 'application/x-tar',
    'content-length': Buffer.byteLength(body),
  }
  const asked = request({ socketPath: DOCKER_HOST.replace('unix://', ''), method, path, headers })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return { ok: answer.statusCode! < 300, body: Buffer.concat(chunks) }
}

const docker: PeerKind = {
  ...{ name: 'docker', known: /^20\.10\..* overlay2$/, shown: 'docker 20.10, overlay2', missing: noEngine },
  start: async () => {
    const { env, stop } = await startEngine()
    return {
      version: run('docker', ['info', '--format', '{{.ServerVersion}} {{.Driver}}'], { env }).trim(),
      sight: { nanos: false, xattrs: false },
      stubs: [
        ...['.dockerenv', 'dev', 'dev/console', 'dev/pts', 'dev/shm', 'etc', 'etc/hostname', 'etc/hosts'],
        ...['etc/mtab', 'etc/resolv.conf', 'proc', 'sys'],
      ],
      // docker load, create and export by what these commands ask of the engine: three programs a case take longer.
      flatten: async image => {
        const archive = await dockerArchive([{ item: image, names }], 'middle')
        const loaded = await ask(env, 'POST', '/images/load?quiet=1', archive)
        const refused = loaded.ok
          ? /"error":"([^"]*)"/.exec(loaded.body.toString())?.[1]
          : loaded.body.toString()
        if (refused !== undefined) return { refused }
        const created = await ask(
          env,
          'POST',
          '/containers/create?name=case',
          JSON.stringify({ Image: image.id }),
        )
        if (!created.ok) return { refused: created.body.toString() }
        const exported = await ask(env, 'GET', '/containers/case/export')
        await ask(env, 'DELETE', '/containers/case?force=1')
        return exported.ok ? listTar(exported.body) : { refused: exported.body.toString() }
      },
      stop,
    }
  },
}

const containerd: PeerKind = {
  ...{ name: 'containerd', known: /containerd 1\.6\..* overlayfs$/, shown: 'containerd 1.6, overlayfs' },
  missing: needs('containerd') ?? needs('ctr'),
  start: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flatten-containerd-'))
    const at = (name: string) => join(folder, name)
    const settings = [
      ...['version = 2', `root = "${at('root')}"`, `state = "${at('state')}"`],
      ...['disabled_plugins = ["io.containerd.grpc.v1.cri"]', '[grpc]', `address = "${at('socket')}"`],
    ]
    writeFileSync(at('config.toml'), settings.join('\n'))
    mkdirSync(at('tree'))
    const daemon = spawn('containerd', ['-c', at('config.toml')], { stdio: 'ignore' })
    const ctr = (...args: string[]) => ['ctr', '--address', at('socket'), ...args] as const
    for (let tries = 0; (await firstFailure([ctr('version')])) !== undefined; tries++) {
      if (tries === 100) throw new Error('containerd did not answer within 20 seconds')
      await sleep(200)
    }
    const [, ...list] = ctr('plugins', 'ls', 'id==overlayfs')
    const driver = / ok\s*$/.test(run('ctr', list)) ? 'overlayfs' : 'without overlayfs here'
    return {
      version: `${run('containerd', ['--version']).trim()} ${driver}`,
      sight: { nanos: true, xattrs: true },
      stubs: [],
      flatten: async (image, name) => {
        // A name for each: what has lost its name is collected while the next is unpacked on top of it.
        const named = `docker.io/library/case:${name}`
        writeFileSync(at('image.tar'), await ociArchive([{ item: image, names: [named] }]))
        const refused = await firstFailure([
          ctr('images', 'import', '--snapshotter=overlayfs', at('image.tar')),
          // Writable, as under a container: one layer alone would not be on an overlay.
          ctr('images', 'mount', '--rw', '--snapshotter=overlayfs', named, at('tree')),
        ])
        if (refused !== undefined) return { refused }
        try {
          return await listFolder(at('tree'), at('tree.tar'))
        } finally {
          run('ctr', ctr('images', 'unmount', '--rm', at('tree')).slice(1))
        }
      },
      stop: async () => {
        const ended = once(daemon, 'close')
        daemon.kill('SIGTERM')
        await ended
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      },
    }
  },
}

const podman: PeerKind = {
  ...{ name: 'podman', known: /^podman version 4\.3\./, shown: 'podman 4.3, vfs', missing: needs('podman') },
  start: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flatten-podman-'))
    return {
      version: run('podman', ['--version']).trim(),
      sight: { nanos: true, xattrs: true },
      stubs: [],
      flatten: async image => {
        // A store for each: podman makes a layer that it has again out of the tree of another image.
        // podman takes no runroot of more than 50 characters.
        const here = join(folder, 'one')
        const base = ['--root', join(here, 'root'), '--runroot', join(here, 'run'), '--storage-driver=vfs']
        mkdirSync(here)
        try {
          const archive = join(here, 'image.tar')
          writeFileSync(archive, await dockerArchive([{ item: image, names }], 'middle'))
          const refused = await firstFailure([
            ['podman', ...base, 'load', '-q', '-i', archive],
            ['podman', ...base, 'create', '-q', '--network=none', '--name=case', image.id.slice(7)],
          ])
          if (refused !== undefined) return { refused }
          // podman export would leave out what an export has no room for.
          return await listFolder(run('podman', [...base, 'mount', 'case']).trim(), join(here, 'tree.tar'))
        } finally {
          // The machine has 2048 locks for containers of all stores; one that is only deleted keeps its own.
          attempt('podman', [...base, 'rm', '--force', 'case'])
          rmSync(here, { recursive: true, force: true })
        }
      },
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  },
}

const umoci: PeerKind = {
  ...{ name: 'umoci', known: /^umoci version 0\.4\.7/, shown: 'umoci 0.4.7', missing: needs('umoci') },
  start: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flatten-umoci-'))
    return {
      version: run('umoci', ['--version']).trim(),
      sight: { nanos: true, xattrs: true },
      stubs: [],
      flatten: async (image, name) => {
        const [layout, bundle] = [join(folder, name), join(folder, `${name}-bundle`)]
        ociLayout(layout, [{ item: image, names }])
        const refused = await firstFailure([['umoci', 'unpack', '--image', `${layout}:1`, bundle]])
        return refused === undefined
          ? listFolder(join(bundle, 'rootfs'), join(folder, 'tree.tar'))
          : { refused }
      },
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  },
}

export const peers: readonly PeerKind[] = [docker, containerd, podman, umoci]
