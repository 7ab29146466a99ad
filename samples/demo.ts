/**
 * The first thing to run: makes a small image archive from this machine's own files, then has the command line
 * inspect, load, list, save and verify it. No network, no root; everything is in a temporary folder that is
 * removed at the end. Ends with 0 only if every step did what it should.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

type Files = Readonly<Record<string, Uint8Array | string>>

const layerOf = async (files: Files): Promise<Buffer> => {
  const tar = pack()
  for (const [name, content] of Object.entries(files))
    tar.entry({ name, mode: name.includes('bin/') ? 0o755 : 0o644, mtime: new Date(0) }, Buffer.from(content))
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** Small files that most machines with Node have; what is missing is left out. */
const ownFiles = (): Files => {
  const prefix = dirname(dirname(realpathSync(process.execPath)))
  const candidates = [
    ...['LICENSE', 'README.md', 'CHANGELOG.md', 'include/node/node.h', 'include/node/v8.h'].map(name =>
      join(prefix, name),
    ),
    ...['ls', 'cat', 'env', 'true', 'sh'].map(name => `/usr/bin/${name}`),
    ...['/etc/os-release', '/etc/services', '/etc/protocols'],
  ]
  const found = candidates.filter(
    path => existsSync(path) && statSync(path).isFile() && statSync(path).size < 1_000_000,
  )
  return Object.fromEntries(
    found.map(path => [
      path.startsWith('/usr/bin/') || path.startsWith('/etc/') ? path.slice(1) : `opt/node/${basename(path)}`,
      readFileSync(path),
    ]),
  )
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** An archive as `docker save` writes it: three layers, the last of which deletes a file of the second. */
const makeArchive = async (path: string): Promise<void> => {
  const layers = [
    await layerOf({ 'etc/motd': 'made by the demo\n', 'etc/hostname': 'demo\n', ...ownFiles() }),
    await layerOf({
      'app/main.js': 'console.log("hello")\n',
      'app/cache.bin': Buffer.alloc(200_000, 'cache'),
    }),
    await layerOf({ 'app/.wh.cache.bin': '', 'app/version': '1\n' }),
  ]
  const created = '2024-01-01T00:00:00Z'
  const step = (created_by: string, empty_layer = false) => ({
    created,
    created_by,
    ...(empty_layer && { empty_layer }),
  })
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', created },
      config: {
        Env: ['PATH=/usr/bin:/bin'],
        Cmd: ['/usr/bin/sh'],
        WorkingDir: '/app',
        Labels: { demo: 'yes' },
      },
      rootfs: { type: 'layers', diff_ids: layers.map(layer => `sha256:${sha256(layer)}`) },
      history: [
        step('COPY own files /'),
        step('ENV PATH=/usr/bin:/bin', true),
        step('COPY app /app'),
        step('RUN rm /app/cache.bin'),
      ],
    }),
  )
  const manifest = [
    {
      Config: `${sha256(config)}.json`,
      RepoTags: ['demo:1', 'demo:latest'],
      Layers: layers.map(layer => `${sha256(layer)}/layer.tar`),
    },
  ]
  const files: Record<string, Uint8Array | string> = { [`${sha256(config)}.json`]: config }
  for (const layer of layers) files[`${sha256(layer)}/layer.tar`] = layer
  writeFileSync(path, gzipSync(await layerOf({ ...files, 'manifest.json': JSON.stringify(manifest) })))
}

/** The package's root, both from samples/ and from where it is compiled to. */
const rootOf = (folder: string): string =>
  existsSync(join(folder, 'bin/lading.js')) ? folder : rootOf(dirname(folder))

const root = rootOf(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'lading-demo-'))
const lading = (...args: readonly string[]): void => {
  console.log(`\n$ lading ${args.join(' ')}`)
  execFileSync(process.execPath, [join(root, 'bin/lading.js'), ...args], { cwd: folder, stdio: 'inherit' })
}

try {
  await makeArchive(join(folder, 'demo.tar.gz'))
  console.log(`Made demo.tar.gz in ${folder} out of this machine's own files: three layers, two names`)
  lading('inspect', 'demo.tar.gz')
  lading('load', '--store', 'store', '-i', 'demo.tar.gz')
  lading('history', '--store', 'store', 'demo:1')
  lading('ls', '--store', 'store', 'demo:1', '/app')
  lading('save', '--store', 'store', '-o', 'saved.tar', 'demo:1', 'demo:latest')
  lading('verify', 'saved.tar')
  console.log('\nAll of it worked; the folder is removed again')
} catch (error) {
  // The command has said on standard error what was wrong.
  console.error(`\nThe demo stopped: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
