import type { Subject } from './case.js'
import { committing } from './cases/committing.js'
import { copying } from './cases/copying.js'
import { directories } from './cases/directories.js'
import { environment } from './cases/environment.js'
import { exec } from './cases/exec.js'
import { exitStatuses } from './cases/exit-statuses.js'
import { inspect } from './cases/inspect.js'
import { logs } from './cases/logs.js'
import { names } from './cases/names.js'
import { programs } from './cases/programs.js'
import { resources } from './cases/resources.js'
import { signals } from './cases/signals.js'
import { states } from './cases/states.js'
import { streams } from './cases/streams.js'
import { terminals } from './cases/terminals.js'
import { users } from './cases/users.js'
import { volumes } from './cases/volumes.js'

/** Every case, in the order of README.md. */
export const subjects: readonly Subject[] = [
  exitStatuses,
  programs,
  users,
  directories,
  environment,
  streams,
  terminals,
  signals,
  states,
  names,
  inspect,
  volumes,
  resources,
  exec,
  logs,
  copying,
  committing,
]
