/** Mistral's, with tools; the system speaks in the last question. */
export const mistral = String.raw`{%- set ns = namespace(system='', last=-1, turn=0) %}
{%- for m in messages %}
    {%- if m['role'] == 'system' %}
        {%- if not loop.first %}{{- raise_exception('Only the first message may be from the system.') }}{%- endif %}
        {%- set ns.system = m['content'] %}
    {%- elif m['role'] == 'user' %}
        {%- set ns.last = loop.index0 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for m in messages %}
    {%- if m['role'] in ('user', 'assistant') and not m.get('tool_calls') %}
        {%- if (m['role'] == 'user') != (ns.turn % 2 == 0) %}
            {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
        {%- endif %}
        {%- set ns.turn = ns.turn + 1 %}
    {%- endif %}
    {%- if m['role'] == 'user' %}
        {%- if tools and loop.index0 == ns.last %}
            {{- '[AVAILABLE_TOOLS] [' }}
            {%- for tool in tools %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, value in tool.function.items() if key != 'return' %}
                    {{- '"' + key + '": ' }}
                    {%- if value is string %}{{- '"' + value + '"' }}{%- else %}{{- value | tojson }}{%- endif %}
                    {%- if not loop.last %}{{- ', ' }}{%- endif %}
                {%- endfor %}
                {{- '}}' }}
                {%- if not loop.last %}{{- ', ' }}{%- else %}{{- ']' }}{%- endif %}
            {%- endfor %}
            {{- '[/AVAILABLE_TOOLS]' }}
        {%- endif %}
        {{- '[INST] ' }}
        {%- if ns.system and loop.index0 == ns.last %}{{- ns.system + '\n\n' }}{%- endif %}
        {{- m['content'] + ' [/INST]' }}
    {%- elif m['role'] == 'assistant' %}
        {%- generation %}
        {%- if m.get('tool_calls') %}
            {{- '[TOOL_CALLS] [' }}
            {%- for call in m.tool_calls %}
                {%- set out = call.function | tojson %}
                {{- out[:-1] + ', "id": "' + call.id + '"}' }}
                {%- if not loop.last %}{{- ', ' }}{%- endif %}
            {%- endfor %}
            {{- ']' + eos_token }}
        {%- else %}
            {{- ' ' + m['content'] | trim + eos_token }}
        {%- endif %}
        {%- endgeneration %}
    {%- elif m['role'] == 'tool' %}
        {{- '[TOOL_RESULTS] {"content": ' + m['content'] | string + ', "call_id": "' + m['tool_call_id'] + '"}[/TOOL_RESULTS]' }}
    {%- elif m['role'] != 'system' %}
        {{- raise_exception('Unknown role: ' + m['role']) }}
    {%- endif %}
{%- endfor %}`
