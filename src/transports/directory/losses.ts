import { lossesAt } from '../../image/capabilities.js'
import type { Loss } from '../../image/loss.js'
import type { UnpackLosses } from '../../layer/disk/attribute-writer.js'

/** What unpacking could not make of a tree, which depends on the file system and on who unpacks. */
export const unpackLosses = (
  { xattrs, owners, devices, records }: UnpackLosses,
  where: string,
): readonly Loss[] => {
  const loss = (what: string, why: string, count: number, remedy?: string): readonly Loss[] =>
    count === 0 ? [] : [{ what, where, why, count, ...(remedy !== undefined && { remedy }) }]
  return [
    ...loss('xattr', 'the file system or the rank of the user does not take it', xattrs),
    ...loss('owner', 'only root gives files away, and no note could be left', owners, 'Unpack as root'),
    ...loss('device', 'only root makes devices, and no note could be left', devices, 'Unpack as root'),
    ...lossesAt('dir', [{ aspect: 'pax-record', where, count: records }]),
  ]
}
