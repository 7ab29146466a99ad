/**
 * Image metadata carried inside a snapshot: one PAX global header before the first entry, with a `comment`
 * record, which every tar reader passes over (git archive puts the commit there). So the file stays an
 * ordinary rootfs tar, and import can put back what docker export loses.
 */

import { limits } from '../spec/limits.js'
import type { PaxRecord } from '../tar/entry.js'
import { encodePax, paxRecord } from '../tar/write.js'

export interface Carried {
  /** The image's config, its own bytes. */
  readonly config: Buffer
  /** Full names. */
  readonly names: readonly string[]
  /** Digest of the manifest that it came from. */
  readonly manifest: string
}

const mark = 'lading-snapshot 1 '

/** The header; undefined when it would be longer than tar readers take (1 MiB): then nothing is carried. */
export const encodeCarried = ({ config, names, manifest }: Carried): Buffer | undefined => {
  const text = JSON.stringify({ config: config.toString('base64'), manifest, names })
  const record = paxRecord('comment', Buffer.from(mark + text))
  return record.length > limits.tarMetadata ? undefined : encodePax('g', record)
}

/** What the global records of a snapshot carry; undefined where it is nothing of ours. */
export const decodeCarried = (records: readonly PaxRecord[]): Carried | undefined => {
  const text = records.find(
    ({ key, value }) => key === 'comment' && value.subarray(0, mark.length).toString('latin1') === mark,
  )?.value
  if (text === undefined) return undefined
  try {
    const { config, names, manifest } = JSON.parse(text.subarray(mark.length).toString())
    if (typeof config !== 'string' || typeof manifest !== 'string' || !Array.isArray(names)) return undefined
    return {
      config: Buffer.from(config, 'base64'),
      names: names.filter(name => typeof name === 'string'),
      manifest,
    }
  } catch {
    // Somebody else's comment may begin like ours.
    return undefined
  }
}
