/** Making a part of a tree as the job of a thread. */
import type { Job } from '../../bytes/threads.js'
import type { UnpackLosses, UnpackRules } from './attribute-writer.js'
import type { Part } from './part.js'
import { writePart } from './part-writer.js'
import { loadSystemCalls } from './system-calls.js'
import type { RowExtra } from './tree-row.js'
import { ContentCopier } from './write-content.js'

export interface PartInput {
  readonly part: Part
  readonly rules: UnpackRules
}

/** All content lies in files that are open, and folders that are open stay so. */
export const job: Job<PartInput, UnpackLosses> = async ({ part, rules }, { advance, check }) => {
  const report = { advance, pause: () => void check() }
  const content = new ContentCopier(report)
  const extras = part.extras.map(revived)
  return {
    output: await writePart(await loadSystemCalls(), { ...part, extras }, rules, content, report.pause),
  }
}

/** A Buffer comes out of another thread as a Uint8Array. */
const revived = ({ xattrs, records, ...rest }: RowExtra): RowExtra => ({
  ...rest,
  ...(xattrs && { xattrs: xattrs.map(({ name, value }) => ({ name: view(name), value: view(value) })) }),
  ...(records && { records: records.map(({ key, value }) => ({ key, value: view(value) })) }),
})

const view = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length)
