import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import {
  addressNumber,
  addressText,
  broadcastOf,
  macOf,
  macText,
  overlaps,
  parseSubnet,
  subnetOf,
  subnetText,
} from '../../src/runtime/network/address.js'
import type { BridgeNetwork } from '../../src/runtime/network/network.js'
import {
  dropLease,
  giveLease,
  readLeases,
  reclaimLeases,
  withNetworkLock,
} from '../../src/runtime/network/pool.js'
import { LadingError } from '../../src/spec/errors.js'

const folders: string[] = []
test.after.always(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const networkOf = async (subnet: string): Promise<BridgeNetwork> => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-pool-'))
  folders.push(folder)
  return { id: 'test', bridge: 'none', subnet: parseSubnet(subnet), folder }
}
const tenant = (id: string) => ({ id, names: [`name-${id}`], hostsFile: '' })
const give = (network: BridgeNetwork, id: string) =>
  withNetworkLock(network, () => giveLease(network, tenant(id)))
const drop = (network: BridgeNetwork, id: string) => withNetworkLock(network, () => dropLease(network, id))

test('addresses: text, number, subnet, broadcast and MAC agree', t => {
  t.is(addressText(addressNumber('192.168.200.7')), '192.168.200.7')
  t.is(subnetText(subnetOf(addressNumber('10.83.7.9'), 16)), '10.83.0.0/16')
  t.is(addressText(broadcastOf(parseSubnet('192.168.5.0/29'))), '192.168.5.7')
  t.is(macText(macOf(addressNumber('10.88.0.2'))), '02:42:0a:58:00:02')
  t.true(overlaps(parseSubnet('10.0.0.0/8'), parseSubnet('10.83.0.0/16')))
  t.false(overlaps(parseSubnet('10.82.0.0/16'), parseSubnet('10.83.0.0/16')))
  for (const text of ['10.0.0.0', '10.0.0/16', '10.0.0.0/30', '10.0.0.0/x', '::1/16'])
    t.is(t.throws(() => parseSubnet(text), { instanceOf: LadingError })?.code, 'USAGE', text)
})

test('giveLease: the lowest free address, never the gateway; the same for the same container', async t => {
  const network = await networkOf('10.1.2.0/24')
  const first = await give(network, 'a')
  t.deepEqual(first, {
    address: '10.1.2.2',
    gateway: '10.1.2.1',
    prefix: 24,
    mac: '02:42:0a:01:02:02',
    tenant: tenant('a'),
  })
  t.is((await give(network, 'b')).address, '10.1.2.3')
  t.is((await give(network, 'a')).address, '10.1.2.2')
  await drop(network, 'a')
  await drop(network, 'a')
  t.is((await give(network, 'c')).address, '10.1.2.2')
  t.deepEqual(
    readLeases(network).map(lease => [lease.address, lease.tenant.id]),
    [
      ['10.1.2.2', 'c'],
      ['10.1.2.3', 'b'],
    ],
  )
})

test('giveLease: an empty pool says so and how many are taken', async t => {
  const network = await networkOf('10.1.2.0/29')
  for (const id of ['a', 'b', 'c', 'd', 'e']) await give(network, id)
  const error = await t.throwsAsync(give(network, 'f'), { instanceOf: LadingError })
  t.is(error?.code, 'NETWORK')
  t.is(error?.message, 'Cannot give an address of 10.1.2.0/29: all 5 are taken. Remove containers, or prune')
})

test('reclaimLeases: frees what is gone, and asks who lives after it has read the leases', async t => {
  const network = await networkOf('10.1.2.0/24')
  for (const id of ['a', 'b', 'c']) await give(network, id)
  await writeFile(join(network.folder, 'leases', '10.1.2.9'), '')
  await writeFile(join(network.folder, 'leases', '10.1.2.10'), '{"id":"half')
  const freed = await withNetworkLock(network, () =>
    reclaimLeases(network, async () => {
      // Whoever comes now is not in the answer and yet keeps its address.
      giveLease(network, tenant('late'))
      return new Set(['b'])
    }),
  )
  t.deepEqual(
    freed.map(lease => lease.address),
    ['10.1.2.2', '10.1.2.4', '10.1.2.9', '10.1.2.10'],
  )
  t.deepEqual(
    readLeases(network).map(lease => lease.tenant.id),
    ['b', 'late'],
  )
})

test('leases: eight processes at once, three of them killed, never have one address twice', async t => {
  const subnet = '10.1.2.0/27'
  const network = await networkOf(subnet)
  const heldFolder = join(network.folder, 'held')
  await mkdir(heldFolder)
  const worker = join(import.meta.dirname, '../helpers/lease-worker.js')
  const workers = Array.from({ length: 8 }, () =>
    spawn(process.execPath, [worker, network.folder, subnet, '60'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const said: string[] = []
  for (const child of workers) child.stdout.on('data', chunk => said.push(String(chunk)))
  const ends = workers.map(child => once(child, 'close'))
  for (const child of workers.slice(0, 3)) {
    await sleep(250 + Math.random() * 100)
    child.kill('SIGKILL')
  }
  const codes = (await Promise.all(ends)).map(([code]) => code)
  t.deepEqual(codes.slice(3), [0, 0, 0, 0, 0])
  t.deepEqual(said, [])
  // What the killed ones held is still theirs.
  const leases = readLeases(network)
  t.true(leases.length <= 3)
  for (const address of await readdir(heldFolder)) {
    const owner = await readFile(join(heldFolder, address), 'utf8')
    const lease = leases.find(lease => lease.address === address)
    if (owner) t.is(lease?.tenant.id, owner)
    else t.truthy(lease)
  }
  await withNetworkLock(network, () => reclaimLeases(network, async () => new Set()))
  t.deepEqual(readLeases(network), [])
})
