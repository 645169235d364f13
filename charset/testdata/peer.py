# Answers the tests' questions about CPython's codecs, one a line:
#   D codec policy hex   decode       -> text as hex of WTF-8, or !start,end
#   E codec policy hex   encode       -> bytes as hex, or !start
#   T codec              all codes of one and two bytes, and 8Fxxxx
#   C codec              every character's bytes
import sys

def decode(codec, policy, data):
    try:
        return data.decode(codec, policy).encode('utf-8', 'surrogatepass').hex()
    except UnicodeDecodeError as e:
        return '!%d,%d' % (e.start, e.end)

def encode(codec, policy, text):
    try:
        return text.encode(codec, policy).hex()
    except UnicodeEncodeError as e:
        return '!%d' % len(text[:e.start].encode('utf-8', 'surrogatepass'))

def codes(codec):
    for a in range(256):
        yield bytes([a])
    for a in range(128, 256):
        for b in range(256):
            yield bytes([a, b])
    if codec == 'euc_jp':
        for a in range(0xa1, 0xff):
            for b in range(0xa1, 0xff):
                yield bytes([0x8f, a, b])

out = []
for line in sys.stdin:
    op, codec, *rest = line.split(' ')
    codec = codec.strip()
    if op == 'D':
        out.append(decode(codec, rest[0], bytes.fromhex(rest[1])))
    elif op == 'E':
        out.append(encode(codec, rest[0], bytes.fromhex(rest[1]).decode('utf-8', 'surrogatepass')))
    elif op == 'T':
        out.append(' '.join(decode(codec, 'strict', c) for c in codes(codec)))
    elif op == 'C':
        out.append(' '.join(encode(codec, 'strict', chr(c)) for c in range(0x30000)))
sys.stdout.write('\n'.join(out) + '\n')
