"""What WebRTC needs of sound: packets of samples come in, and go out on a track of LiveKit's."""
