# Answers the tests' questions about CPython's codecs, one a line:
#   D codec policy hex   decode       -> text as hex of WTF-8, or !start,end
#   E codec policy hex   encode       -> bytes as hex, or !start
#   T codec              all codes of one and two bytes, and 8Fxxxx
#   C codec limit        the bytes of every character below limit
import sys

def decode(codec, policy, data):
    try:
        return data.decode(codec, policy).encode('utf-8', 'surrogatepass').hex()
    except UnicodeDecodeError as e:
        # utf_8_sig counts from behind the mark.
        mark = 3 if codec == 'utf_8_sig' and data[:3] == b'\xef\xbb\xbf' else 0
        return '!%d,%d' % (e.start + mark, e.end + mark)

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
        out.append(' '.join(encode(codec, 'strict', chr(c)) for c in range(int(rest[0]))))
sys.stdout.write('\n'.join(out) + '\n')
