import { closeSync } from 'node:fs'
import { fileFlags, folderFlags, type SystemCalls } from './system-calls.js'

/**
 * The folders on the way to the file that was opened last, kept open: a walk goes from neighbour to neighbour. Each
 * is opened in the one before it, no link followed.
 */
export class FolderTrail {
  readonly #system: SystemCalls
  readonly #root: number
  #folders: { readonly name: string; readonly fd: number }[] = []

  constructor(system: SystemCalls, root: number) {
    this.#system = system
    this.#root = root
  }

  /** A descriptor of the file at a path below the root, for reading; the caller's to close. */
  open(path: Buffer): number {
    const parts = path.toString('latin1').split('/')
    const name = parts.pop()!
    let same = 0
    while (same < parts.length && this.#folders[same]?.name === parts[same]) same++
    for (const { fd } of this.#folders.splice(same)) closeSync(fd)
    for (const part of parts.slice(same)) {
      const fd = this.#system.open(this.#folder(), Buffer.from(part, 'latin1'), folderFlags)
      this.#folders.push({ name: part, fd })
    }
    return this.#system.open(this.#folder(), Buffer.from(name, 'latin1'), fileFlags)
  }

  close(): void {
    for (const { fd } of this.#folders.splice(0)) closeSync(fd)
  }

  #folder(): number {
    return this.#folders.at(-1)?.fd ?? this.#root
  }
}
