import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { encode } from '../../src/runtime/launcher/encode.js'
import { thisMachine } from '../../src/runtime/launcher/launcher-file.js'
import type { Program } from '../../src/runtime/launcher/program.js'
import { call, label, words32 } from '../../src/runtime/launcher/steps.js'
import type { PublishedPort } from '../../src/runtime/settings.js'
import { makeOwnHost, noOwnHost, type OwnHost, until } from '../helpers/own-host.js'

// Containers on the bridge of a host of this test's own: each other, the host, and the host's ports.
const check = noOwnHost === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noOwnHost === undefined ? title : `${title} [skipped: ${noOwnHost}]`)

let host: OwnHost
test.before(async () => {
  if (noOwnHost === undefined) host = await makeOwnHost('neighbours')
})
test.after.always(() => host?.remove())

const server = 'exec nc -ll -p 80 -e echo page of $HOSTNAME'
/** A server that sends every datagram back, as a program: busybox has none. */
const udpEcho = (port: number): Program => {
  const [socket, length, loop] = [{ slot: 0 }, { slot: 1 }, { label: 'loop' }]
  const [bytes, address, own] = [Buffer.alloc(512), Buffer.alloc(16), Buffer.alloc(16)]
  own.writeUInt16LE(2, 0)
  own.writeUInt16BE(port, 2)
  return [
    call('open a socket', 'socket', [2, 2, 0], { save: socket }),
    call('bind it', 'bind', [socket, own, 16]),
    label(loop),
    call('receive', 'recvfrom', [socket, bytes, 512, 0, address, words32(16)], { save: length }),
    call('send', 'sendto', [socket, bytes, length, 0, address, 16]),
    { kind: 'goto', to: loop },
  ]
}

/** Of one that runs. */
const addressOf = async (name: string): Promise<string> =>
  JSON.parse(await host.done('inspect', name, '--json')).address.ip
const inside = (name: string, script: string) => host.lading('exec', name, 'sh', '-c', script)
const fetched = async (t: ExecutionContext, name: string, from: string, page: string) => {
  const outcome = await inside(name, `nc -w 5 ${from} 80 </dev/null`)
  t.is(outcome.stdout, `page of ${page}\n`, `${name} asks ${from}: ${outcome.stderr}`)
}
/** What somebody on the host gets from a port. */
const get = (address: string, port: number): string =>
  host.run('busybox', 'nc', '-w', '5', address, String(port)).stdout
const gateway = async (name: string) =>
  (await inside(name, "ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'")).stdout.trim()

check(
  titled('run: containers reach each other by address and by name, the earlier one the later one too'),
  async t => {
    for (const name of ['one', 'two'])
      await host.done('run', '-d', '--name', name, '--hostname', `h-${name}`, 'app:1', 'sh', '-c', server)
    const [one, two] = [await addressOf('one'), await addressOf('two')]
    t.not(one, two)
    for (const [from, to, ip] of [
      ['one', 'two', two],
      ['two', 'one', one],
    ] as const) {
      for (const name of [ip, to, `h-${to}`]) {
        t.is((await inside(from, `ping -c 1 -W 5 ${name}`)).status, 0, `${from} pings ${name}`)
        await fetched(t, from, name, `h-${to}`)
      }
      t.is((await inside(from, `ping -c 1 -W 5 h-${from}`)).status, 0, 'itself')
    }
    // Later than both.
    await host.done('run', '-d', '--name', 'three', 'app:1', 'sh', '-c', server)
    t.is((await inside('one', 'ping -c 1 -W 5 three')).status, 0)
    t.is((await inside('three', 'ping -c 1 -W 5 two')).status, 0)
  },
)

check(titled('run: containers and their host reach each other by address'), async t => {
  const bridge = await gateway('one')
  t.regex(bridge, /^\d+\.\d+\.\d+\.1$/)
  t.is((await inside('one', `ping -c 1 -W 5 ${bridge}`)).status, 0)
  t.is(host.run('busybox', 'ping', '-c', '1', '-W', '5', await addressOf('two')).status, 0)
  t.is(get(await addressOf('two'), 80), 'page of h-two\n')
  t.not((await inside('one', 'ping -c 1 -W 1 10.255.255.1')).status, 0, 'not everything answers')
})

check(titled('rename, stop, start, rm: names in the hosts files of the others follow'), async t => {
  const names = async (name: string) => (await inside(name, 'cat /etc/hosts')).stdout
  await host.done('rename', 'two', 'second')
  t.regex(await names('one'), /\tsecond h-two\n/)
  t.notRegex(await names('one'), /\btwo h-/)
  t.is((await inside('one', 'ping -c 1 -W 5 second')).status, 0)
  t.not((await inside('one', 'ping -c 1 -W 5 two')).status, 0)
  await host.done('stop', '-t', '0', 'second')
  t.notRegex(await names('one'), /second|h-two/)
  t.regex(await names('one'), /\tthree /, 'the others stay')
  await host.done('start', 'second')
  t.is((await inside('one', 'ping -c 1 -W 5 second')).status, 0)
  await host.done('rm', '-f', 'second')
  t.notRegex(await names('three'), /second|h-two/)
  await host.done('rm', '-f', 'one', 'three')
})

check(
  titled('run -p: tcp and udp ports of the host lead to the container, also chosen ones, until it ends'),
  async t => {
    const echo = join(host.folder, 'echo')
    writeFileSync(echo, encode(udpEcho(9000), thisMachine()), { mode: 0o755 })
    const ports = ['-p', '8080:80', '-p', '127.0.0.1:0:80', '-p', '9000:9000/udp']
    const words = ['--name', 'web', '--hostname', 'web', '-v', `${echo}:/bin/udp-echo`]
    await host.done('run', '-d', ...words, ...ports, 'app:1', 'sh', '-c', `udp-echo & ${server}`)
    await until(() => get('127.0.0.1', 8080) === 'page of web\n')
    const bound = JSON.parse(await host.done('inspect', 'web', '--json')).ports as PublishedPort[]
    const chosen = bound.find(({ hostIp }) => hostIp === '127.0.0.1')!
    t.is(get('127.0.0.1', chosen.hostPort), 'page of web\n')
    t.is(get(await gateway('web'), 8080), 'page of web\n')
    t.is(get(await gateway('web'), chosen.hostPort), '', 'it was published on another address')
    const client = 'exec 3<>/dev/udp/127.0.0.1/9000; echo said >&3; timeout 5 head -n 1 <&3'
    t.is(host.run('bash', '-c', client).stdout, 'said\n')
    // Another container, by the host's address on the bridge.
    const other = `nc -w 5 ${await gateway('web')} 8080 </dev/null`
    t.is(await host.done('run', '--rm', 'app:1', 'sh', '-c', other), 'page of web')

    const conflict = await host.lading('run', '--name', 'late', '-p', '8080:80', 'app:1', 'true')
    t.is(conflict.status, 125)
    t.is(
      conflict.stderr,
      'lading: Cannot start late: Cannot publish tcp port 8080: port 8080 of 0.0.0.0 is already in use\n',
    )
    const detached = await host.lading('run', '-d', '--name', 'later', '-p', '9000:1/udp', 'app:1', 'true')
    t.is(detached.status, 125)
    t.regex(detached.stderr, /Cannot publish udp port 9000: port 9000 of 0\.0\.0\.0 is already in use/)
    await host.done('rm', 'late', 'later')

    await host.done('rm', '-f', 'web')
    t.is(get('127.0.0.1', 8080), '')
    await host.done('run', '--rm', '-p', '8080:80', 'app:1', 'true')
  },
)

check(titled('prune: nothing of the network is left but the bridge itself'), async t => {
  await host.done('prune')
  const links = host.run('ip', '-o', 'link').stdout
  t.notRegex(links, /ldg/)
  t.regex(links, /lading0/)
  t.regex(host.run('ls', `${host.store}/network/leases`).stdout, /^$/)
})
