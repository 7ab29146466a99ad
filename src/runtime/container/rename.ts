import { renameInContainerNetwork } from './container-network.js'
import { checkName } from './names.js'
import { type Container, withRecordLock } from './record.js'
import { writeRecordFile } from './record-file.js'
import { isActive } from './state.js'
import { dropName, takeName } from './taken-names.js'

/** Give it another name, while it runs too. Throws USAGE for a bad one, CONFLICT for one that is taken. */
export const renameContainer = (container: Container, newName: string): Promise<void> =>
  withRecordLock(container, async current => {
    const { settings, places, all } = current
    const name = checkName(newName)
    await takeName(all, name, settings.id)
    const renamed = { ...settings, name }
    writeRecordFile(places.settings, renamed, { durable: true })
    dropName(all, settings.name, settings.id)
    if (isActive(current.state)) await renameInContainerNetwork({ ...current, settings: renamed })
  })
