import { canonicalJson } from '../../spec/canonical-json.js'
import { applyChanges } from '../../spec/changes.js'
import type { ImageConfig } from '../../spec/config.js'
import type { Digest } from '../../spec/digest.js'
import type { JsonObject, JsonValue } from '../../spec/json.js'
import type { ContainerSettings } from '../settings.js'

export interface CommitWords {
  readonly author?: string
  readonly message?: string
  /** Dockerfile instructions. */
  readonly changes?: readonly string[]
  /** RFC 3339. */
  readonly created: string
}

/**
 * The config of an image that is made of a container, by docker's rules (moby daemon/commit.go and
 * image.NewChildImage): the container's config with the changes, what the image below it says of itself, one more
 * entry of history, of a layer only where there is a new one. Throws USAGE for a bad change.
 */
export const commitConfig = (
  base: ImageConfig,
  { id, config }: Pick<ContainerSettings, 'id' | 'config'>,
  { author, message, changes = [], created }: CommitWords,
  diffId: Digest | undefined,
): Buffer => {
  const { parent: _, ...fields } = base.fields
  const said = { ...(author !== undefined && { author }), ...(message !== undefined && { comment: message }) }
  const command = Array.isArray(config.Cmd) ? config.Cmd.join(' ') : ''
  const entry = {
    ...{ created, ...said },
    ...(command !== '' && { created_by: command }),
    ...(diffId === undefined && { empty_layer: true }),
  }
  const { author: __, comment: ___, ...rest } = fields
  return canonicalJson({
    ...{ ...rest, ...said, created, container: id },
    container_config: config,
    config: changedConfig(config, changes),
    rootfs: { type: 'layers', diff_ids: [...base.diffIds, ...(diffId === undefined ? [] : [diffId])] },
    history: [...((fields.history ?? []) as readonly JsonValue[]), entry],
  })
}

/**
 * An ENTRYPOINT without a CMD takes the container's command away (moby builder/dockerfile, dispatchEntrypoint); a
 * command that was taken away otherwise comes back (runconfig merge).
 */
const changedConfig = (config: JsonObject, changes: readonly string[]): JsonObject => {
  const changed = applyChanges(config, changes)
  const says = (name: string) => changes.some(change => change.trim().toUpperCase().startsWith(`${name} `))
  if (says('ENTRYPOINT') && !says('CMD')) {
    const { Cmd: _, ...rest } = changed
    return rest
  }
  const isEmpty = (value: JsonValue | undefined) => !Array.isArray(value) || value.length === 0
  const lacks = isEmpty(changed.Entrypoint) && isEmpty(changed.Cmd) && !says('UNSET')
  return lacks && config.Cmd !== undefined ? { ...changed, Cmd: config.Cmd } : changed
}
