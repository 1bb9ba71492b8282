#!/usr/bin/env python3
"""Speaks a few sentences with espeak-ng and writes them, with silences between, as 16 kHz mono WAV.

usage: speech.py OUTPUT.wav
"""
import array
import math
import operator
import os
import subprocess
import sys
import tempfile
import wave

RATE = 16000
# (seconds of silence before, voice, words a minute, text)
SCRIPT = (
    (1.0, "en-us", 150, "Good morning. This voice is made by a machine."),
    (1.5, "en-gb", 140, "A network with a memory listens to it, thirty milliseconds at a time."),
    (2.5, "en-us+f3", 165, "Then somebody else begins to speak."),
    (0.8, "en-us", 150, "And here it ends."),
)
END_SILENCE = 1.5


def speak(voice, speed, text, folder):
    path = os.path.join(folder, "sentence.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", path, text], check=True)
    with wave.open(path) as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            sys.exit("speech.py: espeak-ng wrote something else than 16-bit mono")
        return file.getframerate(), array.array("h", file.readframes(file.getnframes()))


def resample(samples, rate, taps=24):
    """Polyphase windowed-sinc resampling from `rate` to RATE."""
    if rate == RATE:
        return samples
    divisor = math.gcd(rate, RATE)
    up, down = RATE // divisor, rate // divisor
    cutoff = min(1.0, RATE / rate) * 0.95
    phases = []
    for phase in range(up):
        weights = []
        for tap in range(taps):
            x = tap - taps / 2 + 1 - phase / up
            sinc = cutoff if x == 0 else math.sin(math.pi * cutoff * x) / (math.pi * x)
            weights.append(sinc * (0.5 + 0.5 * math.cos(2 * math.pi * x / (taps + 1))))
        phases.append(weights)
    padded = array.array("h", [0] * (taps // 2 - 1)) + samples + array.array("h", [0] * taps)
    result = array.array("h")
    for n in range(len(samples) * up // down):
        first, phase = divmod(n * down, up)
        value = sum(map(operator.mul, phases[phase], padded[first:first + taps]))
        result.append(max(-32768, min(32767, round(value))))
    return result


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    signal = array.array("h")
    with tempfile.TemporaryDirectory() as folder:
        for silence, voice, speed, text in SCRIPT:
            rate, samples = speak(voice, speed, text, folder)
            signal.extend([0] * int(silence * RATE))
            signal.extend(resample(samples, rate))
    signal.extend([0] * int(END_SILENCE * RATE))
    temporary = sys.argv[1] + ".part"
    with wave.open(temporary, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(signal.tobytes())
    os.replace(temporary, sys.argv[1])


if __name__ == "__main__":
    main()
