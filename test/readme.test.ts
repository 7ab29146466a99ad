import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test from 'ava'
import { type Medium, possibleLosses } from '../src/image/capabilities.js'
import { archiveOf, busyboxEntries, imageOf, noBusybox } from './helpers/busybox-image.js'
import { dockerArchive, layerOf, randomImage, tarOf } from './helpers/generate.js'
import { attempt, has, ladingProgram } from './helpers/programs.js'
import { missingForContainers } from './runtime/run-container.js'

// What the README shows is run here, as it stands there.
const readme = readFileSync('README.md', 'utf8')
const block = (heading: string, language: string): string => {
  const section = readme.slice(readme.indexOf(`## ${heading}\n`))
  const [, code] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section) ?? []
  if (code === undefined) throw new Error(`No ${language} block below ${heading}`)
  return code
}
const folder = mkdtempSync(join(tmpdir(), 'readme-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

test.before(async () => {
  const layer = layerOf(await tarOf([{ name: 'etc/motd', body: 'hello' }, { name: 'etc/app.conf' }]))
  const image = await randomImage(1, { layers: [layer] })
  writeFileSync(
    join(folder, 'app.tar'),
    await dockerArchive([{ item: image, names: ['docker.io/library/app:1'] }], 'middle'),
  )
  // `lading` on the PATH, as an installed package has it.
  writeFileSync(join(folder, 'lading'), `#!/bin/sh\nexec '${process.execPath}' '${ladingProgram}' "$@"\n`, {
    mode: 0o755,
  })
})

test.serial('README: every command of the first tour does what it says', t => {
  const env = { PATH: `${folder}${delimiter}${process.env.PATH}`, LADING_STORE: join(folder, 'store') }
  const commands = block('A first tour', 'sh')
    .split('\n')
    .filter(line => line.startsWith('lading '))
  t.true(commands.length >= 10)
  for (const command of commands) {
    const { status, stderr } = attempt('sh', ['-c', command], { cwd: folder, env })
    t.is(status, 0, `${command}: ${stderr}`)
  }
})

const noContainers =
  missingForContainers ?? noBusybox ?? (has('unshare') ? undefined : 'unshare is not installed')
;(noContainers === undefined ? test.serial : test.serial.skip)(
  `README: every command for containers does what it says${noContainers === undefined ? '' : ` [skipped: ${noContainers}]`}`,
  async t => {
    const place = join(folder, 'containers')
    mkdirSync(place)
    writeFileSync(
      join(place, 'app.tar'),
      await archiveOf({ 'library/app:1': await imageOf([busyboxEntries()]) }),
    )
    const env = { PATH: `${folder}${delimiter}${process.env.PATH}`, LADING_STORE: join(place, 'store') }
    const commands = block('Containers', 'sh')
    t.true(commands.split('\n').length >= 15)
    // A network of its own, whose port 8080 nobody has.
    const { status, stdout, stderr } = attempt(
      'unshare',
      ['-n', 'sh', '-exc', `ip link set lo up\n${commands}`],
      { cwd: place, env },
    )
    t.is(status, 0, stderr)
    t.regex(stdout, /^hello$/m)
  },
)

test.serial('README: the library example runs', t => {
  // Inside the package, so that its own name leads to it.
  const example = join(process.cwd(), 'dist', 'readme-example.mjs')
  writeFileSync(example, block('As a library', 'ts'))
  const { status, stderr } = attempt(process.execPath, [example], {
    cwd: folder,
    env: { LADING_STORE: join(folder, 'images') },
  })
  rmSync(example)
  t.is(status, 0, stderr)
})

const media: Readonly<Record<Medium, string>> = {
  'docker-archive': 'docker archive',
  'docker+oci-archive': 'docker + OCI archive (default)',
  'oci-archive': 'OCI archive',
  'oci-layout': 'OCI layout',
  store: 'store',
  rootfs: 'rootfs',
  'rootfs-bare': 'rootfs, `--bare`',
  dir: 'folder',
}

test.serial('README: the table of losses is the one that loss reports are computed from', t => {
  const all = Object.keys(media) as Medium[]
  const cell = (from: Medium, to: Medium) => possibleLosses(from, to).join(', ') || '–'
  const table = [
    `| from ↓ to → | ${all.map(to => media[to]).join(' | ')} |`,
    `|---|${'---|'.repeat(all.length)}`,
    ...all.map(from => `| **${media[from]}** | ${all.map(to => cell(from, to)).join(' | ')} |`),
  ].join('\n')
  const [, found] = /<!-- losses -->\n(.*?)\n?<!-- \/losses -->/s.exec(readme) ?? []
  t.is(found, table)
})
