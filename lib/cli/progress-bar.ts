/** The one look that bars have. */
import cliProgress from 'cli-progress'

/** A bar that goes when it is full. @param format in cli-progress's terms: `{bar} {percentage}%` */
export function progressBar(format: string, stream: NodeJS.WritableStream): cliProgress.SingleBar {
  const characters = { barCompleteChar: '█', barIncompleteChar: '░', barsize: 20 }
  const options = { format, ...characters, hideCursor: true, clearOnComplete: true, stream }
  return new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic)
}
