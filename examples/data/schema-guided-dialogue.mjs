const said = ({ speaker, utterance }) => ({ role: speaker === 'USER' ? 'user' : 'assistant', content: utterance })
const called = ({ service_call: call, service_results: results }) => !call ? [] : [{ role: 'assistant', content: null, tool_calls: [{ type: 'function', function: { name: call.method, arguments: call.parameters } }] }, { role: 'tool', name: call.method, content: JSON.stringify(results) }]
const map = ({ dialogue_id, services, turns }) => ({ messages: turns.flatMap((turn) => [...turn.frames.flatMap(called), said(turn)]), dialogue_id, services })
const folder = '../../../shared/datasets/schema-guided-dialogue'
export default { folder, map, data: 'train/dialogues_*.json.gz', test: 'test/dialogues_*.json.gz' }
