import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { attributes } from './mount-steps.js'

/** Words that are about the mount: a bit to set, or to clear. */
const mountWords: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  ro: { set: attributes.readonly },
  rw: { clear: attributes.readonly },
  nosuid: { set: attributes.noSuid },
  suid: { clear: attributes.noSuid },
  nodev: { set: attributes.noDevices },
  dev: { clear: attributes.noDevices },
  noexec: { set: attributes.noExec },
  exec: { clear: attributes.noExec },
}

/** Options of tmpfs(5) that Docker takes. */
const fileSystemWords = ['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks']

/**
 * The options of --tmpfs, such as `size=64m,mode=1770,exec`. Without any, nosuid, nodev and noexec hold, as in
 * Docker. USAGE for unknown ones.
 */
export const parseTmpfsOptions = (
  text: string,
): { readonly attributes: number; readonly options: Readonly<Record<string, string>> } => {
  let bits = attributes.noSuid | attributes.noDevices | attributes.noExec
  const options: Record<string, string> = {}
  for (const word of text.split(',').filter(word => word !== '')) {
    const mountWord = Object.hasOwn(mountWords, word) ? mountWords[word] : undefined
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/.exec(word) ?? []
    if (mountWord) bits = (bits | (mountWord.set ?? 0)) & ~(mountWord.clear ?? 0)
    else if (fileSystemWords.includes(name)) options[name] = value
    else
      throw new LadingError(
        'USAGE',
        `Unknown option "${visible(word)}" of a tmpfs: give ${Object.keys(mountWords).join(', ')} or ${fileSystemWords.join('=, ')}=`,
      )
  }
  return { attributes: bits, options }
}
