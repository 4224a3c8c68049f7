// Both directions of the sound, in the browser's audio thread: int16 samples at its own rate.

const PIECE_MS = 20;
// So much is gathered before the agent is heard, and again after a gap: networks are uneven.
const AHEAD_MS = 60;
// More than this waits only if the page has stood still; the oldest is dropped.
const MOST_AHEAD_MS = 1000;

const samplesOf = (milliseconds) => Math.round((sampleRate * milliseconds) / 1000);

class Microphone extends AudioWorkletProcessor {
  piece = new Int16Array(samplesOf(PIECE_MS));
  length = 0;

  process([[channel]]) {
    for (const value of channel ?? []) {
      this.piece[this.length++] = Math.max(-1, Math.min(1, value)) * 32767;
      if (this.length === this.piece.length) {
        this.port.postMessage(this.piece.buffer, [this.piece.buffer]);
        this.piece = new Int16Array(samplesOf(PIECE_MS));
        this.length = 0;
      }
    }
    return true;
  }
}

class Speaker extends AudioWorkletProcessor {
  pieces = [];
  position = 0;
  waiting = 0;
  isPlaying = false;
  peak = 0;
  untilReport = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => (data ? this.add(new Int16Array(data)) : this.clear());
  }

  add(piece) {
    this.pieces.push(piece);
    this.waiting += piece.length;
    while (this.waiting > samplesOf(MOST_AHEAD_MS)) {
      this.waiting -= this.pieces.shift().length - this.position;
      this.position = 0;
    }
    if (this.waiting >= samplesOf(AHEAD_MS)) this.isPlaying = true;
  }

  clear() {
    this.pieces = [];
    this.position = this.waiting = 0;
    this.isPlaying = false;
  }

  process(_inputs, [[channel]]) {
    for (let index = 0; index < channel.length; index++) channel[index] = this.next();
    this.untilReport -= channel.length;
    if (this.untilReport <= 0) {
      this.port.postMessage(this.peak);
      this.peak = 0;
      this.untilReport = samplesOf(100);
    }
    return true;
  }

  next() {
    if (!this.isPlaying) return 0;
    const value = this.pieces[0][this.position++] / 32768;
    this.waiting--;
    if (this.position === this.pieces[0].length) {
      this.pieces.shift();
      this.position = 0;
    }
    if (this.waiting === 0) this.isPlaying = false;
    this.peak = Math.max(this.peak, Math.abs(value));
    return value;
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("speaker", Speaker);
