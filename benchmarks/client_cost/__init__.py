"""What many conversations in one process cost their client.

    python -m benchmarks.client_cost [--calls 1 50 150 300] [--seconds 10] [--kinds …] [--json FILE]

N conversations run in one process, against a scripted server in another one that sends each of them
what a busy agent sends. Spoken ones get and send 25 ms of sound 40 times a second, held in memory.
Written ones get ten parts of an answer a second, and say something once a second. In rooms (1, 10
and 30 of them, of a LiveKit server) the agent's track and the user's have sound all the time.
Beside this library run, one after another and in the same run:

- `floor`: aiohttp's WebSocket with `json` and `base64`, one ticker for all, and nothing else: no
  play-out, no speech detector, no rules. Once on plain asyncio, once on uvloop;
  In rooms: LiveKit's library, a track that is pushed 10 ms at a time, and one that is read;
- `sdk` and `sdk-threads`: ElevenLabs' own Python SDK, async and with threads.

Printed for each, and written as JSON with what the machine is:

- CPU of the process in ms per second of conversation;
- how late chunks were against their own clock, at the client and at the server: what is earliest in
  a call is in time, and every other chunk is so much later than 25 ms after the one before;
- memory per conversation: what the process grew by from the first start to the middle of the run;
- how many conversations were started and ended a second, all of them being asked for at once.
"""
