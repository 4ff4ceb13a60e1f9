import type { TrainingData } from '../data/prepare-data.js'
import type { Settled } from '../options.js'
import { courseOptions, type CourseOptions } from './course-options.js'
import { dataOptions, type DataOptions } from './data-options.js'
import { learningOptions, type LearningOptions } from './learning-options.js'

export const trainOptions = { ...dataOptions, ...learningOptions, ...courseOptions }

/** Options of a training run; see `trainOptions` for each one's meaning and default. */
export interface TrainOptions extends DataOptions, LearningOptions, CourseOptions {}

export type SettledTrainOptions = Settled<typeof trainOptions>
export type TrainingOptionsWithData = SettledTrainOptions & { readonly train: TrainingData }
