import { readFileSync } from 'node:fs'
import { dockerArchive, layerOf, randomImage, type TestEntry, type TestImage, tarOf } from './generate.js'
import { has, run } from './programs.js'

/** Why no image of busybox can be made, or undefined. */
export const noBusybox = has('busybox') ? undefined : 'busybox-static is not installed'

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:App:/home/app:/bin/sh
1001:x:7:7:a name that is a number:/:/bin/sh
`
const group = `root:x:0:
daemon:x:1:
users:x:100:app
audio:x:29:app,daemon
app:x:1000:
`

/** The files of a small system: the static busybox, a link to it for each of its programs, users and groups. */
export const busyboxEntries = (): readonly TestEntry[] => {
  const busybox = readFileSync('/bin/busybox')
  const folders = ['bin', 'etc', 'home', 'root', 'tmp', 'usr', 'usr/bin', 'var']
  const applets = run('/bin/busybox', ['--list'])
    .split('\n')
    .filter(name => name !== '' && name !== 'busybox')
  return [
    ...folders.map(name => ({ name: `${name}/`, mode: name === 'tmp' ? 0o1777 : 0o755 })),
    { name: 'bin/busybox', body: busybox, mode: 0o755 },
    ...applets.map(name => ({ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/passwd', body: passwd },
    { name: 'etc/group', body: group },
  ]
}

export const defaultConfig = {
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  Cmd: ['/bin/sh'],
}

/** An image of these layers with this `config.config`. */
export const imageOf = async (
  layers: readonly (readonly TestEntry[])[],
  config: Readonly<Record<string, unknown>> = defaultConfig,
): Promise<TestImage> =>
  randomImage(1, {
    layers: await Promise.all(layers.map(async entries => layerOf(await tarOf(entries)))),
    config: { config, author: 'lading' },
  })

/** A docker archive of images by names such as `bench/app:1`. */
export const archiveOf = (images: Readonly<Record<string, TestImage>>): Promise<Buffer> =>
  dockerArchive(
    Object.entries(images).map(([name, item]) => ({ item, names: [`docker.io/${name}`] })),
    'middle',
  )
