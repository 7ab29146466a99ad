import * as v from 'valibot'
import { LadingError } from '../../spec/errors.js'
import type { JsonObject, JsonValue } from '../../spec/json.js'
import { checkName, isHostname } from '../container/names.js'
import type { ContainerSettings } from '../settings.js'

const text = v.pipe(
  v.string(),
  v.check(value => !value.includes('\0'), 'must have no NUL'),
)
const absolute = v.pipe(text, v.startsWith('/'))
const target = v.pipe(
  absolute,
  v.check(
    path => path !== '/' && !path.split('/').some(part => part === '..'),
    'must lie inside the container',
  ),
)
const count = v.pipe(v.number(), v.safeInteger())
const port = v.pipe(count, v.minValue(0), v.maxValue(65_535))
const lines = v.pipe(v.array(text), v.readonly())
/** One that is taken gets nine more characters, and a file's name has 255. */
const volumeName = v.pipe(text, v.maxLength(246), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/))
const json = v.custom<JsonObject>(
  value => typeof value === 'object' && value !== null && !Array.isArray(value),
)

const settings = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: text,
  created: text,
  image: v.object({ reference: text, place: text, manifest: text, id: text }),
  process: v.object({
    args: v.pipe(v.array(text), v.minLength(1), v.readonly()),
    env: lines,
    cwd: absolute,
    user: text,
    groups: lines,
    terminal: v.boolean(),
    openStdin: v.boolean(),
    init: v.boolean(),
    stopSignal: v.pipe(text, v.regex(/^[A-Z0-9+-]{1,16}$/)),
    stopTimeout: count,
    capabilities: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/))), v.readonly()),
    noNewPrivileges: v.boolean(),
    seccomp: v.union([v.picklist(['default', 'unconfined']), v.object({ profile: json })]),
    privileged: v.boolean(),
    rlimits: v.array(v.object({ name: text, soft: count, hard: count })),
  }),
  config: json,
  hostname: v.pipe(text, v.check(isHostname, 'must be a host name')),
  network: v.object({
    mode: v.picklist(['bridge', 'none', 'host']),
    ports: v.array(
      v.object({ hostIp: text, hostPort: port, containerPort: port, protocol: v.picklist(['tcp', 'udp']) }),
    ),
  }),
  mounts: v.array(
    v.variant('type', [
      v.object({ type: v.literal('bind'), source: absolute, target, readonly: v.boolean() }),
      v.object({ type: v.literal('volume'), volume: volumeName, target, readonly: v.boolean() }),
      v.object({ type: v.literal('tmpfs'), target, options: text }),
    ]),
  ),
  resources: v.object({
    memory: v.exactOptional(count),
    memorySwap: v.exactOptional(count),
    nanoCpus: v.exactOptional(count),
    cpuShares: v.exactOptional(count),
    cpusetCpus: v.exactOptional(v.pipe(text, v.regex(/^[0-9,-]*$/))),
    pids: v.exactOptional(count),
  }),
  rootfs: v.object({
    kind: v.exactOptional(v.picklist(['erofs', 'overlay', 'copy'])),
    readonly: v.boolean(),
  }),
  labels: v.record(text, text),
  extraHosts: v.array(v.tuple([text, text])),
  dns: v.exactOptional(lines),
  autoRemove: v.boolean(),
  runtime: v.picklist(['launcher', 'runc', 'crun']),
})

/** The settings of a container that was made elsewhere. Throws BAD_DOCUMENT for what could not have been made. */
export const readSettings = (value: JsonValue | undefined, where: string): ContainerSettings => {
  const read = v.safeParse(settings, value)
  if (read.success) {
    checkName(read.output.name)
    return read.output
  }
  const [issue] = read.issues
  throw new LadingError('BAD_DOCUMENT', `Bad ${where}: ${v.getDotPath(issue) ?? ''} ${issue.message}`)
}
