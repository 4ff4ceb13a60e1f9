/** What compute-sanitizer watches: a few steps of a small model on the GPU. */
import { smallTraining } from './small-training.js'

await smallTraining('cuda', 3)
