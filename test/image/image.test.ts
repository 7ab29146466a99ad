import test from 'ava'
import type { Root } from '../../src/image/interfaces.js'
import { descriptorsOf, imageNameKey, refNameKey, rootsOf } from '../../src/image/layout-index.js'
import { narrowToPlatform } from '../../src/image/narrow.js'
import { pickImage } from '../../src/image/pick-image.js'
import { selectRoots } from '../../src/image/select.js'
import { loadTree } from '../../src/image/view.js'
import { observed, wrapSource } from '../../src/image/wrapped-source.js'
import type { Descriptor } from '../../src/spec/descriptor.js'
import { mediaTypes } from '../../src/spec/media-types.js'
import { formatPlatform, hostPlatform, parsePlatform } from '../../src/spec/platform.js'
import { familiarName } from '../../src/spec/reference.js'
import { indexOf, randomImage } from '../helpers/generate.js'
import { generatedSource } from '../helpers/generated-source.js'

const descriptor = (annotations?: Record<string, string>): Descriptor => ({
  ...{ mediaType: mediaTypes.ociManifest, digest: `sha256:${'a'.repeat(64)}` as const, size: 5 },
  ...(annotations && { annotations }),
})
const names = (roots: readonly Root[]) => roots.map(root => root.names.map(familiarName))

test('rootsOf: one root a digest, with the names of docker and of podman; a tag alone names nothing', t => {
  const listed = [
    descriptor({ [imageNameKey]: 'docker.io/library/app:1', [refNameKey]: '1', other: 'kept' }),
    descriptor({ [refNameKey]: 'example.com/app:2' }),
    descriptor({ [imageNameKey]: 'docker.io/library/app:1' }),
  ]
  const roots = rootsOf(listed)
  t.deepEqual(names(roots), [['app:1', 'example.com/app:2']])
  t.deepEqual(roots[0]!.descriptor.annotations, { other: 'kept' })
  t.deepEqual(names(rootsOf([descriptor({ [refNameKey]: 'latest' })])), [[]])
  t.deepEqual(names(rootsOf([descriptor({ [refNameKey]: 'No Name: at all' })])), [[]])
})

test('descriptorsOf: one descriptor a name, and rootsOf reads it back', t => {
  const [root] = rootsOf([descriptor({ [imageNameKey]: 'docker.io/library/app:1', other: 'kept' })])
  for (const style of ['tag', 'familiar'] as const) {
    const [written] = descriptorsOf(root!, style)
    t.is(written!.annotations![refNameKey], style === 'tag' ? '1' : 'app:1')
    t.deepEqual(rootsOf([written!]), [root!])
  }
  t.deepEqual(descriptorsOf({ ...root!, names: [] }, 'tag'), [descriptor({ other: 'kept' })])
  t.deepEqual(descriptorsOf(rootsOf([descriptor({ [refNameKey]: 'latest' })])[0]!, 'tag'), [
    descriptor({ [refNameKey]: 'latest' }),
  ])
})

const platforms = ['amd64', 'arm64', 's390x']
const multi = async () => {
  const images = await Promise.all(
    platforms.map((architecture, seed) => randomImage(seed, { platform: { os: 'linux', architecture } })),
  )
  return { images, index: indexOf(images, { attested: true }) }
}

test('loadTree: images, artifacts and what an index lists without having it', async t => {
  const { images, index } = await multi()
  const missing = images[2]!
  const source = generatedSource([{ item: index, names: ['app:1'] }], blobs =>
    blobs.delete(missing.digest.slice(7)),
  )
  const tree = await loadTree(source, (await source.roots())[0]!)
  t.deepEqual(
    tree.images.map(image => image.configDocument.descriptor.digest),
    images.slice(0, 2).map(image => image.id),
  )
  t.deepEqual(
    tree.absent.map(({ digest }) => digest),
    [missing.digest],
  )
  t.true(tree.artifacts.length > 0)
  t.is(tree.indexes.length, 1)
})

test('loadTree: a damaged document is an error, or is told of and shown', async t => {
  const image = await randomImage(4)
  const source = generatedSource([{ item: image }])
  const [root] = await source.roots()
  const wrong: Root = { ...root!, descriptor: { ...root!.descriptor, size: root!.descriptor.size - 1 } }
  await t.throwsAsync(loadTree(source, wrong), { code: 'SIZE_MISMATCH' })
  const problems: string[] = []
  const lenient = wrapSource(source, {
    openBlob: (blob, options) => source.openBlob(options?.unchecked ? root!.descriptor : blob),
  })
  t.is((await loadTree(lenient, wrong, problem => problems.push(problem))).images.length, 1)
  t.regex(problems.join(), /Wrong size/)
})

test('loadTree: counts of layers that disagree are an error', async t => {
  const image = await randomImage(5)
  const manifest = JSON.parse(image.manifest.toString())
  manifest.layers.pop()
  const bytes = Buffer.from(JSON.stringify(manifest))
  const { sha256 } = await import('../helpers/generate.js')
  const source = generatedSource([{ item: { ...image, manifest: bytes, digest: sha256(bytes) } }])
  await t.throwsAsync(loadTree(source, (await source.roots())[0]!), {
    code: 'BAD_DOCUMENT',
    message: /the manifest lists 2, rootfs.diff_ids of the config 3/,
  })
})

test('narrowToPlatform: the image in place of its index, and what goes with that is named', async t => {
  const { images, index } = await multi()
  const source = generatedSource([{ item: index, names: ['app:1'] }])
  const tree = await loadTree(source, (await source.roots())[0]!)
  const { root, losses } = narrowToPlatform(tree, parsePlatform('linux/arm64'))
  t.is(root.descriptor.digest, images[1]!.digest)
  t.deepEqual(root.names.map(familiarName), ['app:1'])
  t.deepEqual(
    losses.map(({ what, count }) => [what, count]),
    [
      ['index', 1],
      ['platform', 2],
      ['artifact', tree.artifacts.length],
    ],
  )
  t.throws(() => narrowToPlatform(tree, parsePlatform('windows/amd64')), {
    code: 'NOT_FOUND',
    message: /found linux\/amd64, linux\/arm64, linux\/s390x/,
  })
})

test('pickImage: the only one, the one for the platform, or a question with its choices', async t => {
  const { images, index } = await multi()
  const picked = async (...call: Parameters<typeof pickImage>) =>
    (await pickImage(...call)).image.configDocument.descriptor.digest
  const source = generatedSource([{ item: index, names: ['app:1'] }])
  t.is(await picked(source, parsePlatform('linux/s390x')), images[2]!.id)
  const host = platforms.indexOf(formatPlatform(hostPlatform()).split('/')[1]!)
  if (host >= 0) t.is(await picked(source), images[host]!.id)
  const two = generatedSource([
    { item: images[0]!, names: ['app:1'] },
    { item: images[1]!, names: [] },
  ])
  await t.throwsAsync(pickImage(two), { code: 'AMBIGUOUS', message: /Found app:1, @1/ })
  await t.throwsAsync(pickImage(generatedSource([])), { code: 'NOT_FOUND' })
})

test('selectRoots: an ID inside an index is the image by itself; a prefix of several is a question', async t => {
  const { images, index } = await multi()
  const source = generatedSource([{ item: index, names: ['app:1'] }])
  t.deepEqual(
    (await selectRoots(source, images[1]!.id)).map(({ descriptor }) => descriptor.digest),
    [images[1]!.digest],
  )
  t.deepEqual(
    (await selectRoots(source, `app@${index.digest}`)).map(({ names }) => names),
    [[]],
  )
  await t.throwsAsync(selectRoots(source, 'nothing:1'), { code: 'NOT_FOUND', message: /found app:1/ })
})

test('observed: counts what is read through it', async t => {
  const image = await randomImage(6)
  let bytes = 0
  const source = observed(generatedSource([{ item: image }]), count => {
    bytes += count
  })
  await loadTree(source, (await source.roots())[0]!)
  t.is(bytes, image.manifest.length + image.config.length)
})
