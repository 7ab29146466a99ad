import { type Waste, wasteOf } from '../layer/waste.js'
import { measuringStage } from '../transports/archive/stages.js'
import { type LookOptions, withImage } from './open-image.js'

/** What the lower layers of an image hold that upper ones delete or replace. */
export const waste = (options: LookOptions): Promise<Waste> =>
  withImage(
    options,
    async ({ image }) => wasteOf(await Promise.all(image.layers.map(layer => layer.toc()))),
    measuringStage,
  )
