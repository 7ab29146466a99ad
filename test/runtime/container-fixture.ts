import { readFileSync } from 'node:fs'
import { capabilitiesInStatus, defaultCapabilities } from '../../src/runtime/launcher/capabilities.js'
import type { Prepared } from '../../src/runtime/launcher/prepared.js'
import { call } from '../../src/runtime/launcher/steps.js'
import type { ContainerSettings, ProcessSettings } from '../../src/runtime/settings.js'

/** Settings and preparations as a container without flags has them, to be varied. */

export const settingsOf = (
  changes: Partial<Omit<ContainerSettings, 'process'>> & { readonly process?: Partial<ProcessSettings> } = {},
): ContainerSettings => ({
  id: 'a'.repeat(64),
  name: 'test',
  created: '2026-01-01T00:00:00Z',
  image: { reference: 'test', place: 'store:test', manifest: `sha256:${'0'.repeat(64)}`, id: '' },
  config: {},
  hostname: 'isolated',
  network: { mode: 'none', ports: [] },
  mounts: [],
  resources: {},
  rootfs: { kind: 'copy', readonly: false },
  labels: {},
  extraHosts: [],
  autoRemove: true,
  runtime: 'launcher',
  ...changes,
  process: {
    args: ['true'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'],
    cwd: '/',
    user: '',
    groups: [],
    terminal: false,
    openStdin: false,
    init: false,
    stopSignal: 'TERM',
    stopTimeout: 10,
    capabilities: defaultCapabilities,
    noNewPrivileges: true,
    seccomp: 'default',
    privileged: false,
    rlimits: [],
    ...changes.process,
  },
})

/** `tree`: a folder that becomes the root, by a bind mount at `mountPoint`. */
export const preparedOf = (
  { tree, mountPoint }: { readonly tree: string; readonly mountPoint: string },
  changes: Partial<Prepared> = {},
): Prepared => ({
  machine: process.arch === 'arm64' ? 'arm64' : 'x86-64',
  root: {
    folder: mountPoint,
    steps: [call('bind the tree', 'mount', [tree, mountPoint, 0, 0x1000, 0])],
  },
  cgroup: { version: 'none' },
  user: { uid: 0, gid: 0, groups: [0], home: '/root' },
  binds: [],
  files: [],
  network: { wait: false, messages: [] },
  limits: [],
  capabilities: capabilitiesInStatus(readFileSync('/proc/self/status', 'utf8'), 'CapPrm'),
  rootless: false,
  detached: false,
  masks: [],
  hostDevices: [],
  ...changes,
})
