/** What README.md tells of the cases, made from the cases. */
import type { Case } from './case.js'
import { peers } from './peers.js'

export interface Totals {
  readonly right: number
  readonly wrong: number
  readonly refuses: number
}

/** `outcomeOf` a case's name: undefined where it is right. */
export const totalsOf = (cases: readonly Case[], outcomeOf: (name: string) => string | undefined): Totals => {
  const count = (outcome: string | undefined) =>
    cases.filter(({ name }) => outcomeOf(name) === outcome).length
  return { right: count(undefined), wrong: count('wrong'), refuses: count('refuses') }
}

/** A row a program. */
export const totalsTable = (cases: readonly Case[]): string => {
  const byName = new Map(cases.map(one => [one.name, one]))
  const rows = peers.map(({ name, shown }) => {
    const { right, wrong, refuses } = totalsOf(cases, of => byName.get(of)!.disagree?.[name]?.outcome)
    return `| ${shown} | ${right} | ${wrong} | ${refuses} |`
  })
  return [
    '| program | right | wrong | refuses |',
    '| --- | ---: | ---: | ---: |',
    `| lading | ${cases.length} | 0 | 0 |`,
    ...rows,
  ].join('\n')
}

/** A row a case that not all get right. */
export const disagreementTable = (cases: readonly Case[]): string =>
  [
    `| case | ${peers.map(({ name }) => name).join(' | ')} |`,
    `| --- | ${peers.map(() => '---').join(' | ')} |`,
    ...cases
      .filter(({ disagree }) => disagree !== undefined)
      .map(
        ({ name, disagree }) =>
          `| [${name}](cases/${name}.json) | ${peers.map(peer => disagree?.[peer.name]?.outcome ?? 'right').join(' | ')} |`,
      ),
  ].join('\n')

/** By program and reason: the cases that come of it. */
export const reasonList = (cases: readonly Case[]): string =>
  peers
    .map(({ name: peer, shown }) => {
      const byReason = new Map<string, string[]>()
      for (const { name, disagree } of cases) {
        const found = disagree?.[peer]
        if (found === undefined) continue
        const reason = `${found.reason} (${found.outcome})`
        byReason.set(reason, [...(byReason.get(reason) ?? []), name])
      }
      return [
        `### ${shown}`,
        '',
        ...[...byReason].map(
          ([reason, names]) => `- ${reason}: ${names.map(name => `\`${name}\``).join(', ')}.`,
        ),
      ].join('\n')
    })
    .join('\n\n')
