import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt, has, isRoot } from './programs.js'

/** Why no Docker Engine can run here, or undefined where one can. */
export const noEngine = !isRoot
  ? 'a Docker Engine needs root'
  : !has('dockerd') || !has('docker')
    ? 'docker.io is not installed'
    : undefined

/** A real Docker Engine of its own, in a temporary folder, without network; for `DOCKER_HOST`. */
export interface Engine {
  readonly env: { readonly DOCKER_HOST: string; readonly DOCKER_BUILDKIT: string }
  stop(): Promise<void>
}

export const startEngine = async (base = tmpdir()): Promise<Engine> => {
  const folder = mkdtempSync(join(base, 'engine-'))
  const socket = `unix://${folder}/socket`
  const log = openSync(join(folder, 'log'), 'a')
  const daemon: ChildProcess = spawn(
    'dockerd',
    [
      ...['--bridge=none', '--iptables=false', '--data-root', join(folder, 'data')],
      ...['--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '-H', socket],
    ],
    { stdio: ['ignore', log, log], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  )
  const env = { DOCKER_HOST: socket, DOCKER_BUILDKIT: '0' }
  const stop = async () => {
    const ended = new Promise(resolve => daemon.once('close', resolve))
    daemon.kill('SIGTERM')
    await ended
    // What hung in the daemon still holds its mounts.
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .flatMap(line => line.split(' ')[1] ?? [])
    for (const mount of mounts.filter(mount => mount.startsWith(`${folder}/`)).reverse())
      attempt('umount', ['--lazy', mount])
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  for (let tries = 0; tries < 120; tries++) {
    if (attempt('docker', ['version'], { env }).status === 0) return { env, stop }
    await sleep(250)
  }
  await stop()
  throw new Error('dockerd did not answer within 30 seconds')
}
