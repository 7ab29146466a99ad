import type { ProgramStep, Slot } from './program.js'
import { call, close, closeOnExec, emptyPath, here, words64 } from './steps.js'

/**
 * Mounts by descriptors (the calls of Linux 5.2, mount_setattr of 5.12): a mount is made apart from every tree,
 * then put on a folder that was opened before. No path is looked up twice, so nothing in an image, not even a
 * symbolic link at /proc, can lead a mount elsewhere (CVE-2021-30465).
 */

/** MOUNT_ATTR_* of linux/mount.h. */
export const attributes = { readonly: 1, noSuid: 2, noDevices: 4, noExec: 8, strictAtime: 0x20 } as const
export const safe = attributes.noSuid | attributes.noDevices | attributes.noExec

const recursive = 0x8000
const fsopenCloexec = 1
const fsconfig = { flag: 0, text: 1, create: 6 } as const
const fsmountCloexec = 1
const openTreeClone = 1
const moveFromEmptyPath = 0x4
const moveToEmptyPath = 0x40

export interface NewMount {
  readonly type: string
  readonly source: string
  /** `true` for an option that has no value. */
  readonly options?: Readonly<Record<string, string | true>>
  readonly attributes: number
}

/** Make a file system, nowhere yet; `save` is its root. `at` is where it will be, for the names of steps. */
export const makeMount = (at: string, mount: NewMount, save: Slot): readonly ProgramStep[] => [
  call(`open ${mount.type} for ${at}`, 'fsopen', [mount.type, fsopenCloexec], { save }),
  ...Object.entries<string | true>({ source: mount.source, ...mount.options }).map(([option, value]) =>
    value === true
      ? call(`set ${option} of ${at}`, 'fsconfig', [save, fsconfig.flag, option, 0, 0])
      : call(`set ${option}=${value} of ${at}`, 'fsconfig', [save, fsconfig.text, option, value, 0]),
  ),
  call(`make ${mount.type} for ${at}`, 'fsconfig', [save, fsconfig.create, 0, 0, 0]),
  // The descriptor of the file system stays open until the program of the container starts.
  call(`mount ${mount.type} for ${at}`, 'fsmount', [save, fsmountCloexec, mount.attributes], { save }),
]

/** A second mount of what a path or descriptor leads to, nowhere yet, with what is mounted below it. */
export const cloneMount = (
  name: string,
  from: { readonly folder: Slot | typeof here; readonly path: string },
  save: Slot,
): ProgramStep =>
  call(
    name,
    'open_tree',
    [from.folder, from.path, openTreeClone | closeOnExec | recursive | (from.path === '' ? emptyPath : 0)],
    { save },
  )

/** struct mount_attr. */
const setting = (set: number) => words64(set, 0, 0, 0)

/** Restrict a mount that is nowhere yet, and all below it. */
export const restrictMount = (name: string, mount: Slot, set: number): ProgramStep =>
  call(name, 'mount_setattr', [mount, '', emptyPath | recursive, setting(set), 32])

/** Restrict the one mount that has its root at an absolute path. */
export const restrictMountAt = (name: string, path: string, set: number): ProgramStep =>
  call(name, 'mount_setattr', [here, path, 0, setting(set), 32])

/** Put a mount on a folder or file that is open, or on what it is called in an open folder. */
export const attachMount = (
  name: string,
  mount: Slot,
  at: { readonly folder: Slot; readonly path?: string },
): ProgramStep =>
  call(name, 'move_mount', [
    mount,
    '',
    at.folder,
    at.path ?? '',
    moveFromEmptyPath | (at.path === undefined ? moveToEmptyPath : 0),
  ])

/** The same, and forget the mount. */
export const attachAndClose = (...args: Parameters<typeof attachMount>): readonly ProgramStep[] => [
  attachMount(...args),
  close(args[1]),
]
