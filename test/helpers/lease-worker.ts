/**
 * A process of the address pool's stress test: `lease-worker FOLDER SUBNET ROUNDS`. It takes addresses and gives
 * them back; while it has one, a file in FOLDER/held that only one process can make stands for it. Prints a line
 * for each address that it found in use by somebody else.
 */
import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseSubnet } from '../../src/runtime/network/address.js'
import { dropLease, giveLease, withNetworkLock } from '../../src/runtime/network/pool.js'

const [folder = '', subnet = '', rounds = '0'] = process.argv.slice(2)
const network = { id: 'stress', bridge: 'none', subnet: parseSubnet(subnet), folder }

for (let round = 0; round < Number(rounds); round++) {
  const id = `${process.pid}-${randomBytes(8).toString('hex')}`
  const lease = await withNetworkLock(network, () => giveLease(network, { id, names: [], hostsFile: '' }))
  const held = join(folder, 'held', lease.address)
  try {
    const file = await open(held, 'wx')
    await file.writeFile(id)
    await file.close()
  } catch (error) {
    console.log(`${lease.address} ${(error as NodeJS.ErrnoException).code}`)
  }
  await sleep(Math.random() * 3)
  await rm(held)
  await withNetworkLock(network, () => dropLease(network, id))
}
