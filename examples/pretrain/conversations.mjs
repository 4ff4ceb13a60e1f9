// Conversations found in the corpus, so that the base model meets the chat markup and turn-taking before any fine-tuning:
// dialogue of the novels, with the narration taken out, and the opening sentence of encyclopedia articles as an answer.

/** Messages to the text of the model's chat template (the one train-tokenizer.mjs writes to tokenizer_config.json). */
export function renderChat(messages) {
  return messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')
}

/** Runs of spoken paragraphs as conversations that open with a question: messages[][]. */
export function novelConversations(paragraphs, { maxTurns = 6 } = {}) {
  const conversations = []
  let run = []
  const close = () => {
    const first = run.findIndex((utterance) => utterance.includes('?'))
    if (first >= 0) {
      const turns = run.slice(first, first + maxTurns)
      turns.length -= turns.length % 2
      if (turns.length >= 2) {
        conversations.push(turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })))
      }
    }
    run = []
  }
  for (const paragraph of paragraphs) {
    const utterance = spokenPart(paragraph)
    if (utterance === undefined) {
      close()
    } else {
      run.push(utterance)
      if (run.length === maxTurns) close()
    }
  }
  close()
  return conversations
}

/** What is said in a paragraph that is mostly speech, or undefined. */
function spokenPart(paragraph) {
  if (!paragraph.startsWith('"')) return undefined
  const pieces = [...paragraph.matchAll(/"([^"]+)(?:"|$)/g)].map(([, piece]) => piece.trim())
  const utterance = pieces.join(' ').trim()
  const mostlySpeech = utterance.length > 0.5 * paragraph.length
  // An utterance that breaks off in a comma has lost its end; one under 8 characters or over 300 teaches no exchange.
  const complete = /[.!?]$/.test(utterance) && utterance.length >= 8 && utterance.length <= 300
  return mostlySpeech && complete ? utterance : undefined
}

const QUESTIONS = [
  (name, past) => `What ${past ? 'was' : 'is'} ${name}?`,
  (name) => `Can you tell me about ${name}?`,
  (name) => `Tell me about ${name}, please.`,
  (name) => `I would like to know about ${name}.`,
]
const QUESTIONS_ABOUT_PEOPLE = [(name, past) => `Who ${past ? 'was' : 'is'} ${name}?`, ...QUESTIONS.slice(1)]

/** A question about the article's subject and its opening sentence as the answer, or undefined. `choice` picks the wording. */
export function articleConversation({ title, paragraphs }, choice) {
  const name = title.replace(/ \(.*\)$/, '')
  const opening = paragraphs[0] ?? ''
  if (!opening.startsWith(name)) return undefined
  const answer = /^.{30,260}?[a-z)]\.(?= |$)/.exec(opening.replace(/ ?\([^()]*\)/g, ''))?.[0]
  const verb = answer?.slice(name.length).match(/^ (is|was|are|were) /)?.[1]
  if (answer === undefined || verb === undefined) return undefined
  const person = /\bborn\b|\(\d{4}/.test(opening.slice(0, 120))
  const questions = person ? QUESTIONS_ABOUT_PEOPLE : QUESTIONS
  return [
    { role: 'user', content: questions[choice % questions.length](name, verb === 'was' || verb === 'were') },
    { role: 'assistant', content: answer },
  ]
}
