import { dirname, normalize } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { attachAndClose, attributes, cloneMount, makeMount, restrictMount } from './mount-steps.js'
import type { Bind } from './prepared.js'
import type { ProgramStep, Slot } from './program.js'
import { call, close, fileKinds, here, type Names, open, place } from './steps.js'
import { parseTmpfsOptions } from './tmpfs-options.js'

/** What is mounted over the image's files. */
export type Overmount =
  | (Bind & {
      readonly kind: 'bind' /** A link there makes way for a file, as Docker's init layer has it. */
      readonly replaceLink?: boolean
    })
  | { readonly kind: 'tmpfs'; readonly target: string; readonly options: string }

/**
 * Sources are cloned while the host's files are to be seen; targets are made and opened when there is no other
 * root any more, and no /proc yet: a link in the image leads nowhere else, /proc/self/fd neither.
 *
 * Throws USAGE for a target that is the root or in /proc: what is there is the kernel's word to the container.
 */
export const overmountSteps = (
  overmounts: readonly Overmount[],
  names: Names,
): { readonly outside: readonly ProgramStep[]; readonly inside: readonly ProgramStep[] } => {
  const planned = overmounts
    .map(overmount => ({ ...overmount, target: checkTarget(overmount.target), mount: names.slot() }))
    .sort((a, b) => depth(a.target) - depth(b.target))
  return {
    outside: planned.flatMap(each => (each.kind === 'bind' ? sourceSteps(each, each.mount) : [])),
    inside: planned.flatMap(each => targetSteps(each, each.mount, names)),
  }
}

const depth = (path: string): number => path.split('/').length

const checkTarget = (target: string): string => {
  const path = normalize(target).replace(/\/+$/, '')
  if (!path.startsWith('/') || path === '/proc' || path.startsWith('/proc/'))
    throw new LadingError(
      'USAGE',
      `Cannot mount at "${visible(target)}": give an absolute path that is neither / nor in /proc`,
      { data: { target } },
    )
  return path
}

const sourceSteps = ({ source, readonly }: Bind, mount: Slot): readonly ProgramStep[] => [
  cloneMount(`open ${source} of the host`, { folder: here, path: source }, mount),
  ...(readonly ? [restrictMount(`make ${source} read-only`, mount, attributes.readonly)] : []),
]

const targetSteps = (overmount: Overmount, mount: Slot, names: Names): readonly ProgramStep[] => {
  const { target } = overmount
  const at = names.slot()
  const isFile = overmount.kind === 'bind' && overmount.is === 'file'
  const steps: ProgramStep[] = [
    ...(overmount.kind === 'bind' && overmount.replaceLink ? unlinkIfLink(target, names) : []),
    ...makeFolders(isFile ? dirname(target) : target),
    ...(isFile
      ? [
          call(`make ${target}`, 'mknodat', [here, target, fileKinds.regular | 0o755, 0], {
            onError: 'ignore',
          }),
        ]
      : []),
    open(`open ${target} to mount there`, here, target, place, at),
  ]
  if (overmount.kind === 'tmpfs') {
    const { attributes, options } = parseTmpfsOptions(overmount.options)
    steps.push(...makeMount(target, { type: 'tmpfs', source: 'tmpfs', options, attributes }, mount))
  }
  steps.push(...attachAndClose(`mount at ${target}`, mount, { folder: at }), close(at))
  return steps
}

/** Every folder down to this path; those that are there stay as they are. */
export const makeFolders = (path: string): readonly ProgramStep[] => {
  const parts = path.split('/').filter(part => part !== '')
  return parts.map((_, index) => {
    const folder = `/${parts.slice(0, index + 1).join('/')}`
    return call(`make ${folder}`, 'mkdirat', [here, folder, 0o755], { onError: 'ignore' })
  })
}

const unlinkIfLink = (path: string, names: Names): readonly ProgramStep[] => {
  const noLink = names.label(`${path} is no link`)
  return [
    call(`look whether ${path} is a link`, 'readlinkat', [here, path, new Uint8Array(1), 1], {
      onError: noLink,
    }),
    call(`remove the link ${path}`, 'unlinkat', [here, path, 0]),
    { kind: 'label', ...noLink },
  ]
}
