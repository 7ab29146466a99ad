import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { attempt, isRoot, run } from '../helpers/programs.js'

/** An empty file system to measure on. */
export interface BenchPlace {
  readonly path: string
  /** What it is, for the report. */
  readonly is: string
  /** Let what was written and deleted before be over. */
  settle(): void
  remove(): void
}

/**
 * A fresh journaled ext4 of `bytes`, in memory where there is room for it, so that no other disk traffic is
 * measured; without root, or where it cannot be mounted, a folder of tmpfs or of the disk.
 */
export const openPlace = (bytes: number, fallback: string): BenchPlace => {
  const inMemory = existsSync('/dev/shm') && room('/dev/shm') > bytes * 1.3 && freemem() > bytes * 1.3
  const base = mkdtempSync(join(inMemory ? '/dev/shm' : fallback, 'lading-bench-'))
  const [image, path] = [join(base, 'ext4'), join(base, 'mnt')]
  mkdirSync(path)
  const remove = () => rmSync(base, { recursive: true, force: true, maxRetries: 5 })
  const settle = () => void attempt('sync', ['-f', path])
  const where = inMemory ? 'in memory' : 'on the disk'
  if (!isRoot) return { path, is: `a folder ${where}`, settle, remove }
  run('truncate', ['-s', String(bytes), image])
  run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image])
  if (attempt('mount', ['-o', 'loop,discard', image, path]).status !== 0)
    return { path, is: `a folder ${where}`, settle, remove }
  return {
    ...{ path, settle, is: `a fresh ext4 with a journal, ${where}` },
    remove: () => {
      attempt('umount', ['-l', path])
      remove()
    },
  }
}

/** A folder in memory, for costs against size: no journal and no limit on what waits for a disk comes in between. */
export const openMemory = (bytes: number, fallback: string): BenchPlace => {
  const inMemory = existsSync('/dev/shm') && room('/dev/shm') > bytes * 1.3
  const path = mkdtempSync(join(inMemory ? '/dev/shm' : fallback, 'lading-bench-'))
  return {
    ...{ path, is: inMemory ? 'tmpfs' : 'a folder on the disk', settle: () => {} },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

const room = (path: string): number => {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}
