import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import {
  type Everything,
  everythingOf,
  killEverything,
  listed,
  makeUsedHost,
  startOn,
} from '../helpers/leftovers.js'
import { noOwnHost, type OwnHost } from '../helpers/own-host.js'

// Runs that are killed, with all that they have started, at any moment.
const check = noOwnHost === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noOwnHost === undefined ? title : `${title} [skipped: ${noOwnHost}]`)

let host: OwnHost
let nothing: Everything
test.before(async () => {
  if (noOwnHost === undefined) ({ host, nothing } = await makeUsedHost('killed'))
})
test.after.always(() => host?.remove())

const ways: readonly (readonly string[])[] = [['run'], ['run', '--rm'], ['run', '-d', '--rm'], ['run', '-d']]

check(titled('run: killed at any of its steps it leaves nothing after prune'), async t => {
  const steps = [
    'Image found',
    'Container created',
    'Interface bridged',
    'Address given',
    'File system mounted',
    'Program run',
  ]
  for (const [index, step] of steps.entries()) {
    // In the foreground and in the background.
    for (const way of ways.filter((_, at) => at % 2 === index % 2)) {
      const child = startOn(host, ...way, '--progress', 'plain', '-p', '0:80', 'app:1', 'sleep', '1000')
      let said = ''
      for await (const chunk of child.stderr!) {
        said += chunk
        // In the background the program runs when the command has ended.
        if (said.includes(`lading: ${step}`)) break
      }
      t.true(said.includes(`lading: ${step}`) || (way.includes('-d') && step === 'Program run'), said)
      await killEverything(host)
    }
    for (const { status } of await listed(host)) t.true(status === 'exited' || status === 'created', status)
  }
  t.notDeepEqual(await everythingOf(host), nothing, 'something is left before')
  await host.done('prune')
  t.deepEqual(await everythingOf(host), nothing)
})

check(titled('run: killed at 40 moments it leaves nothing after prune'), async t => {
  // A run takes some tenths of a second here; steps of 12 ms go through all of it, from somewhere else each time.
  const offset = Math.random() * 12
  t.log(`from ${offset} ms`)
  for (let round = 0; round < 40; round++) {
    const child = startOn(
      host,
      ...ways[round % ways.length]!,
      '-p',
      '0:80',
      'app:1',
      'sh',
      '-c',
      'sleep 0.05',
    )
    await sleep(offset + ((round * 12 * 7) % 480))
    await killEverything(host)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (round % 8 !== 7) continue
    for (const { status } of await listed(host)) t.true(status === 'exited' || status === 'created', status)
    await host.done('prune')
    t.deepEqual(await everythingOf(host), nothing, `after round ${round}`)
  }
})

check(
  titled(
    'rm, prune, commit, export, exec, stop: killed halfway they leave nothing after prune, and no half image',
  ),
  async t => {
    const commands: readonly (readonly string[])[] = [
      ['rm', '-f', 'subject'],
      ['prune'],
      ['commit', 'subject', 'half:1'],
      ['export', 'subject', '-o', join(host.folder, 'half.tar')],
      ['exec', 'subject', 'sleep', '1000'],
      ['stop', 'subject'],
    ]
    for (let round = 0; round < 12; round++) {
      const [name, ...words] = commands[round % commands.length]!
      await host.done(
        'run',
        '-d',
        '--name',
        'subject',
        'app:1',
        'sh',
        '-c',
        'seq 300 | xargs touch; sleep 1000',
      )
      if (name === 'prune') await host.done('stop', '-t', '0', 'subject')
      startOn(host, name!, ...words)
      await sleep(20 + 50 * Math.floor(round / commands.length) + round)
      await killEverything(host)
      // A killed process ends when the kernel comes to it.
      const left = async () =>
        (await listed(host)).filter(({ status }) => status !== 'exited' && status !== 'paused')
      for (let tries = 0; tries < 100 && (await left()).length > 0; tries++) await sleep(50)
      t.deepEqual(await left(), [], name)
      await host.done('prune')
      const { status } = await host.lading('rmi', 'half:1')
      if (status === 0) await host.done('prune')
      t.deepEqual(await everythingOf(host), nothing, `${name} in round ${round}`)
      t.deepEqual(
        readdirSync(host.folder).filter(file => file.includes('half') && file !== 'half.tar'),
        [],
      )
    }
  },
)
