import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { archiveOf, busyboxEntries, defaultConfig, imageOf } from '../../helpers/busybox-image.js'
import { lading, run } from '../../helpers/programs.js'
import type { ImageSettings } from './case.js'

/** Files that cases look for: some that cannot be run, and a folder with files of its own. */
const extras = [
  { name: 'data/', mode: 0o755 },
  { name: 'data/seed', body: 'from the image\n' },
  { name: 'srv/', mode: 0o755 },
  { name: 'bin/noexec', body: '#!/bin/sh\necho no\n', mode: 0o644 },
  { name: 'bin/script', body: '#!/bin/sh\necho script "$@"\n', mode: 0o755 },
  { name: 'bin/lost', body: '#!/no/such/interpreter\n', mode: 0o755 },
  { name: 'bin/garbage', body: 'neither a program\nnor a script\n', mode: 0o755 },
]

const settingsKey = (settings: ImageSettings): string => JSON.stringify(settings)

/** The name of the image with these settings. */
export class Images {
  readonly #names = new Map<string, string>()

  constructor(all: readonly (ImageSettings | undefined)[]) {
    for (const settings of [{}, ...all.map(each => each ?? {})])
      if (!this.#names.has(settingsKey(settings)))
        this.#names.set(settingsKey(settings), `behave/${this.#names.size}:1`)
  }

  nameOf(settings: ImageSettings = {}): string {
    return this.#names.get(settingsKey(settings))!
  }

  /** Into the store, and into the Docker Engine where there is one. */
  async load({ folder, store, engine }: { folder: string; store: string; engine?: Record<string, string> }) {
    const [made, archive] = ['made.tar', 'images.tar'].map(name => join(folder, name)) as [string, string]
    const layers = [busyboxEntries(), extras]
    const images: Parameters<typeof archiveOf>[0] = Object.fromEntries(
      await Promise.all(
        [...this.#names].map(async ([key, name]) => {
          const settings = JSON.parse(key) as ImageSettings
          const config =
            'Cmd' in settings || 'Entrypoint' in settings ? { Env: defaultConfig.Env } : defaultConfig
          return [name, await imageOf(layers, { ...config, ...settings })] as const
        }),
      ),
    )
    writeFileSync(made, await archiveOf(images))
    for (const args of [
      ['load', '-i', made],
      ['save', '-o', archive, ...this.#names.values()],
    ]) {
      const { status, stderr } = lading(['--store', store, ...args])
      if (status !== 0) throw new Error(stderr)
    }
    if (engine) run('docker', ['load', '-i', archive], { env: engine })
  }
}
