import { readFileSync } from 'node:fs'
import test from 'ava'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { makeOwnHost, noOwnHost, type OwnHost } from '../helpers/own-host.js'
import { has } from '../helpers/programs.js'

const check = noOwnHost === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noOwnHost === undefined ? title : `${title} [skipped: ${noOwnHost}]`)

let host: OwnHost
test.before(async () => {
  if (noOwnHost === undefined) host = await makeOwnHost('info')
})
test.after.always(() => host?.remove())

check(titled('info: what containers get is what it says'), async t => {
  const before = JSON.parse(await host.done('info', '--json'))
  t.is(before.store, host.store)
  t.regex(before.network, /^bridge, to be made for the first container/)
  await host.done('run', '-d', '--name', 'one', 'app:1', 'sleep', '1000')
  const info = JSON.parse(await host.done('info', '--json'))
  const one = JSON.parse(await host.done('inspect', 'one', '--json'))
  t.deepEqual(info.containers, { all: 1, running: 1, paused: 0, stopped: 0 })
  t.deepEqual(info.rootfs, { kind: one.rootfs.kind, why: one.rootfs.why })
  t.is(info.controlGroups, `version ${hostControlGroups().version}`)
  const [, bridge, subnet] = /^bridge (\S+), (\d+\.\d+)\.0\.0\/16/.exec(info.network) ?? []
  t.true(one.address.ip.startsWith(`${subnet}.`), info.network)
  t.is(host.run('ip', 'link', 'show', bridge!).status, 0)
  t.is(info.rootless, 'no: root')
  t.regex(info.seccomp, /^docker's default profile/)
  t.regex(readFileSync(`/proc/${one.state.pid}/status`, 'utf8'), /^Seccomp:\s*2$/m)
  t.is(/^not installed/.test(info.criu), !has('criu'))
  t.is(
    info.runtimes.some(({ name }: { name: string }) => name === 'runc'),
    has('runc'),
  )
  const lines = await host.done('info')
  for (const word of [
    'Rootless',
    'Control groups',
    'Root file systems',
    'Network',
    'Seccomp',
    'CRIU',
    'Runtimes',
  ])
    t.regex(lines, new RegExp(`^${word} +\\S`, 'm'))
})
