import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../helpers/engine.js'
import { has, ladingProgram, run } from '../helpers/programs.js'
import type { BenchInput } from './archive.js'
import type { Command } from './measure.js'
import type { Contestant, Row } from './rounds.js'

export interface Setting {
  /** An empty folder on the file system that is measured on. */
  readonly folder: string
  readonly input: BenchInput
  /** Where a Docker Engine runs. */
  readonly engine?: Engine
}

export type Workbench = ReturnType<typeof openWorkbench>

/** What rows are made with: commands of everybody who is there, and what they need, made when it is asked for. */
export const openWorkbench = (setting: Setting) => {
  const { folder, input } = setting
  const at = (name: string) => join(folder, name)
  const remove = (name: string) => rmSync(at(name), { recursive: true, force: true })
  const lading = (store: string, ...words: string[]): Command => ({
    words: [process.execPath, ladingProgram, '--store', at(store), ...words],
  })
  const docker = (...words: string[]): Command => ({ words: ['docker', ...words], ...setting.engine })
  // Podman would take crun, which refuses hosts with control groups of both versions.
  const runtime = has('runc') ? ['--runtime', 'runc'] : []
  const podman = (root: string, ...words: string[]): Command => ({
    words: ['podman', ...runtime, '--root', at(root), '--runroot', at('podman-run'), ...words],
  })
  const skopeo = (from: string, to: string): Command => ({
    words: ['skopeo', 'copy', '--insecure-policy', '-q', from, to],
  })
  const quietly = ({ words, env }: Command): string =>
    run(words[0]!, words.slice(1), { ...(env && { env }) }).trim()
  const there = {
    ...{ engine: setting.engine !== undefined, podman: has('podman') },
    ...{ skopeo: has('skopeo'), umoci: has('umoci'), runc: has('runc') },
  }

  const made = new Map<string, string>()
  /** Make something once, before what is measured. */
  const once = (name: string, make: () => string): string => {
    if (!made.has(name)) made.set(name, make())
    return made.get(name)!
  }
  const inLading = () => once('lading', () => quietly(lading('store', 'load', '-i', input.archive)))
  const inDocker = () => once('docker', () => quietly(docker('load', '-i', input.archive)))
  const inPodman = () => once('podman', () => quietly(podman('podman', 'load', '-i', input.archive)))
  const inLayout = () =>
    once('skopeo', () => quietly(skopeo(`docker-archive:${input.archive}`, `oci:${at('layout')}:bench`)))
  const plainLayout = () => {
    inLading()
    return once('plain', () => quietly(lading('store', 'convert', 'bench:1', `oci:${at('plain')}:bench:1`)))
  }
  const flat = () => {
    inLading()
    return once('flat', () => quietly(lading('store', 'export', 'bench:1', '-o', at('flat.tar'))))
  }
  const dockerContainer = () => {
    inDocker()
    return once('docker container', () => quietly(docker('create', '--network=none', 'bench:1')))
  }
  const podmanContainer = () => {
    inPodman()
    return once('podman container', () => quietly(podman('podman', 'create', '--network=none', 'bench:1')))
  }

  const who = (
    name: string,
    isThere: boolean,
    work: Contestant['work'],
    leave: (round: number) => void = () => {},
  ): readonly Contestant[] => (isThere ? [{ name, work, after: round => leave(round) }] : [])
  const row = (name: string, wanted: Row['wanted'], ...contestants: (readonly Contestant[])[]): Row => ({
    ...{ name, wanted },
    contestants: contestants.flat(),
  })
  /** The image, and what was made of it: its layers are there as long as one container is. */
  const dockerRemove = () => {
    quietly(docker('container', 'prune', '--force'))
    quietly(docker('image', 'prune', '--all', '--force'))
    for (const name of ['docker', 'docker container', 'docker changed']) made.delete(name)
  }
  return {
    ...{ input, at, there, lading, docker, podman, skopeo, quietly, once, who, row, dockerRemove },
    ...{ inLading, inDocker, inPodman, inLayout, plainLayout, flat, dockerContainer, podmanContainer },
    /** What a contestant makes in a round, and its removal. */
    out: (name: string, round: number) => at(`${name}-${round}`),
    gone: (name: string) => (round: number) => remove(`${name}-${round}`),
  }
}
