/**
 * The way out of a bridge: forwarding, and the host's address for the containers' (masquerading), by iptables or
 * nft, whichever is there. Published ports need none of it: they are passed on by a process. What cannot be done
 * is a note for the user, no error: containers still reach the host and each other.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { type Subnet, subnetText } from './address.js'

const forwardSwitch = '/proc/sys/net/ipv4/ip_forward'

interface Outcome {
  readonly status: 'done' | 'failed' | 'missing'
  readonly output: string
  /** First line of what it said. */
  readonly complaint: string
}

const runTool = (program: string, args: readonly string[], input = ''): Promise<Outcome> =>
  new Promise(resolve => {
    // The system's folders first: a user's PATH may leave sbin out, and npm's has another program named nft.
    const path = `/usr/sbin:/sbin:/usr/bin:/bin:${process.env.PATH ?? ''}`
    const env = { ...process.env, PATH: path, LC_ALL: 'C' }
    const child = execFile(program, [...args], { env }, (error, output, stderr) => {
      const status = !error ? 'done' : error.code === ('ENOENT' as never) ? 'missing' : 'failed'
      resolve({ status, output, complaint: stderr.trim().split('\n', 1)[0] ?? '' })
    })
    child.stdin?.on('error', () => {}).end(input)
  })

/** A rule of iptables: table, chain, and what comes after the chain's name. */
type Rule = readonly [table: string, chain: string, ...rest: string[]]

const masquerade = (bridge: string, subnet: Subnet): Rule => [
  'nat',
  'POSTROUTING',
  ...['-s', subnetText(subnet), '!', '-o', bridge, '-j', 'MASQUERADE'],
]

const answers = ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED']

/**
 * Out of the bridge and between its containers everything, into it only answers: who is on the host's network
 * does not reach what is not published. Last first, as each is put at the head of its chain.
 */
const forwarding = (bridge: string): readonly Rule[] => [
  ['filter', 'FORWARD', '-o', bridge, '-j', 'DROP'],
  ['filter', 'FORWARD', '-o', bridge, ...answers, '-j', 'ACCEPT'],
  ['filter', 'FORWARD', '-i', bridge, '-j', 'ACCEPT'],
]

/** `-w`: others may be changing rules. */
const iptables = (action: string, [table, chain, ...rest]: Rule): Promise<Outcome> =>
  runTool('iptables', ['-w', '5', '-t', table, action, chain, ...rest])

const addRule = async (rule: Rule): Promise<Outcome> => {
  const check = await iptables('-C', rule)
  return check.status === 'failed' ? iptables('-I', rule) : check
}

/** Of nft: a table of our own for each subnet, replaced as a whole. */
const nftTable = (subnet: Subnet): string => `lading_${subnetText(subnet).replace(/[./]/g, '_')}`

const nftRules = (bridge: string, subnet: Subnet, policy: string): string => `
add table ip ${nftTable(subnet)}
delete table ip ${nftTable(subnet)}
table ip ${nftTable(subnet)} {
  chain postrouting {
    type nat hook postrouting priority 100
    ip saddr ${subnetText(subnet)} oifname != "${bridge}" masquerade
  }
  chain forward {
    type filter hook forward priority 0; policy ${policy}
    iifname "${bridge}" accept
    oifname "${bridge}" ct state related,established accept
    oifname "${bridge}" drop
  }
}
`

/**
 * Let the containers of `subnet` on `bridge` out. Idempotent. The notes say what could not be done. Where the
 * host did not forward before, it goes on forwarding nothing else: as docker does.
 */
export const allowOut = async (bridge: string, subnet: Subnet): Promise<readonly string[]> => {
  const forwards = (await readFile(forwardSwitch, 'utf8')).trim() === '1'
  const note = (found: string) => [`Containers on ${bridge} cannot reach beyond this host: ${found}`]

  const first = await addRule(masquerade(bridge, subnet))
  if (first.status === 'missing') {
    // Forwarding that was switched on here before is found on: what was kept from it then stays so.
    const before = await runTool('nft', ['list', 'table', 'ip', nftTable(subnet)])
    const policy = forwards && !before.output.includes('policy drop') ? 'accept' : 'drop'
    const nft = await runTool('nft', ['-f', '-'], nftRules(bridge, subnet, policy))
    if (nft.status === 'missing') return note('found neither iptables nor nft')
    if (nft.status === 'failed') return note(`nft says ${JSON.stringify(nft.complaint)}`)
  } else {
    const outcomes = [first]
    for (const rule of forwarding(bridge)) outcomes.push(await addRule(rule))
    if (!forwards) outcomes.push(await runTool('iptables', ['-w', '5', '-P', 'FORWARD', 'DROP']))
    const failed = outcomes.find(outcome => outcome.status === 'failed')
    if (failed) return note(`iptables says ${JSON.stringify(failed.complaint)}`)
  }
  if (forwards) return []
  try {
    await writeFile(forwardSwitch, '1')
    return []
  } catch (error) {
    return note(`${forwardSwitch} is 0 and cannot be set (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Undo `allowOut` for a subnet, and for the bridge if it goes too. Forwarding stays as it is. */
export const forbidOut = async (bridge: string, subnet: Subnet, bridgeGoes: boolean): Promise<void> => {
  // A rule may be there more than once, of processes that added it at one time.
  for (const rule of [masquerade(bridge, subnet), ...(bridgeGoes ? forwarding(bridge) : [])])
    while ((await iptables('-D', rule)).status === 'done');
  await runTool('nft', ['delete', 'table', 'ip', nftTable(subnet)])
}
