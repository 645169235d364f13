package charset

import (
	"strings"
	"unicode"
)

// A language is how usual characters are where an encoding is used: as much
// as tells encodings apart, and no more. It was preferred to a library whose
// models take 2 ms and 450 KB whenever a program starts that could use them.
type language struct {
	label, name string
	// frequent is the commonest characters, the commonest first: 3.5 bits for
	// the first letter of an alphabet, 6 for the first ideograph, step bits
	// more for each that follows.
	frequent    string
	first, step float64
	// class is what else the language is written in, at so many bits.
	class     func(r rune) bool
	classBits float64
}

// The costs of what no language's lists have, in bits.
const (
	asciiBits       = 5
	controlBits     = 12
	punctuationBits = 9
	foreignBits     = 21
	capitalBits     = 3 // for a capital letter
	shoutBits       = 6 // for one behind a small letter
	mixedBits       = 8 // for a Latin letter next to one of another alphabet
	clusterBits     = 5 // for a Latin letter beyond ASCII next to another
)

const punctuation = "，。、！？：；（）《》「」『』“”‘’…—–·～　«»№°€£§©®ー・"

const (
	simplifiedText  = "的一是不了人我在有他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世位次度门任常先海通教原东声提立及比员解水名真论处走各入几口认条平系气题活更别打女变四总何电数安少报才结反受目太量再感建务做接必场件计管期市直资命山金指许统区保至形社空决治展科司五基书非则听白界达光放强即像难且权思完设式色路记南品住告类求据程北边该交规万取格望觉术领共确传师清今切院让识带导争运网服器端连测试错误码录温备消息请您谢谢欢迎"
	traditionalText = "的一是不了人我在有他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應向頭文體政美相見被利什二等產或新己制身果加西月話合回特代內信表化老給世位次度門任常先海通教原東聲提立及比員解水名真論處走各入幾口認條平系氣題活更別打女變四總何電數安少報才結反受目太量再感建務做接必場件計管期市直資命山金指許統區保至形社空決治展科司五基書非則聽白界達光放強即像難且權思完設式色路記南品住告類求據程北邊該交規萬取格望覺術領共確傳師清今切院讓識帶導爭運網服器端連測試錯誤碼錄溫備消息請您謝歡迎"
	japaneseText    = "のいしんてにたるなかとうはでをすこっれらがまくりきあもさそちつみけせえおめよわだどろやほねひふむげぶずばゆへンスルトアイリラクーシドタジフロテコレプマバメサムオキカ日一国人年大本中出三同時行見月分前生間上者地会自事社場方今東手高明子動電気話学小語文字世界接続信送受"
	koreanText      = "이다는에의가을하고지한로기사리도서자은인어를대니나시있스그라안정아해일부요여제구수과보전주상장조만들우원면게적동성세오경공국신것소무합년까위연모습미물선발비계등더중되생개방회실같때말분유용내월마관명저산음네님했었녕녕반갑문영러접속버메테트"
	russianText     = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёіїє"
)

var languages = [...]language{
	{"gbk", "Chinese", simplifiedText, 6, 0.01, func(r rune) bool { return firstLevel(r, "gbk", 0xB0A1, 0xD7F9) }, 13},
	{"gb18030", "Chinese", simplifiedText, 6.5, 0.01, func(r rune) bool { return firstLevel(r, "gbk", 0xB0A1, 0xD7F9) }, 13.5},
	{"big5", "Chinese", traditionalText, 6, 0.01, func(r rune) bool { return firstLevel(r, "big5", 0xA440, 0xC67E) }, 13},
	{"shift_jis", "Japanese", japaneseText, 5, 0.02, japaneseClass, 13},
	{"euc-jp", "Japanese", japaneseText, 5, 0.02, japaneseClass, 13},
	{"euc-kr", "Korean", koreanText, 5, 0.02, func(r rune) bool { return firstLevel(r, "euc-kr", 0xB0A1, 0xC8FE) }, 12},
	{"windows-1251", "Russian", russianText, 3.5, 0.17, nil, 0},
	{"koi8-r", "Russian", russianText, 3.7, 0.17, nil, 0},
	{"ibm866", "Russian", russianText, 4, 0.17, nil, 0},
	{"iso-8859-5", "Russian", russianText, 4, 0.17, nil, 0},
	{"windows-1252", "", "éèàüäöçñêßóíáåúâôîøæãõëïùûœÿ", 6, 0.15, latin, 13},
	{"windows-1250", "", "áéíěšřžýčłąęóśćżúůöüőűńăâîşţďťňđ", 6.5, 0.15, latin, 13},
	{"windows-1254", "Turkish", "ışğüöçİ", 6.3, 0.15, latin, 14},
	{"windows-1253", "Greek", "αοιετνσηυρκπμςλδωγθχφβξζψάίόέήύώ", 3.5, 0.17, nil, 0},
	{"windows-1255", "Hebrew", "יוהלארתבשמםנעדחקפטגסזןצכךףץ", 3.5, 0.17, nil, 0},
	{"windows-1256", "Arabic", "الينمتروبدعسةهكقفحجأشصضخىثطزذءغإظئآؤ", 3.5, 0.17, nil, 0},
	{"windows-874", "Thai", "านรอกเงมยลวดทตสะปบคหแจพชขใไโผถซศภธณษฉญฐฎฏฬฮ่้ัิีืุู์็", 3.5, 0.15, nil, 0},
}

func latin(r rune) bool { return unicode.Is(unicode.Latin, r) }

func japaneseClass(r rune) bool {
	return r > 0x3040 && r < 0x3100 || firstLevel(r, "euc-jp", 0xB0A1, 0xCFD3)
}

// cost returns how many bits the text takes in the language; ok is false when
// it is beyond belief: dearer than picking bytes by chance.
func (l *language) cost(text string) (bits float64, ok bool) {
	rank := make(map[rune]int, len(l.frequent)/3)
	for r := range strings.SplitSeq(l.frequent, "") {
		if c := []rune(r)[0]; rank[c] == 0 {
			rank[c] = len(rank) + 1
		}
	}
	beyond, dear := 0, 0
	var last rune
	letters := l.class == nil // an alphabet that is not Latin
	for _, r := range text {
		switch lower := unicode.ToLower(r); {
		case r < 0x80 && (r >= ' ' || r == '\n' || r == '\r' || r == '\t'):
			bits += asciiBits
		case r < 0xA0:
			bits += controlBits
			if r >= 0x80 {
				beyond++
				dear++
			}
		default:
			beyond++
			switch {
			case rank[r] > 0:
				bits += l.first + l.step*float64(rank[r]-1)
			case rank[lower] > 0:
				bits += l.first + l.step*float64(rank[lower]-1) + capitalBits
			case l.class != nil && l.class(r):
				bits += l.classBits
			case strings.ContainsRune(punctuation, r):
				bits += punctuationBits
			default:
				bits += foreignBits
				dear++
			}
			if lower != r && unicode.IsLower(last) {
				bits += shoutBits
			}
			if last >= 0x80 && latin(r) && latin(last) {
				bits += clusterBits
			}
		}
		if letters && unicode.IsLetter(r) && unicode.IsLetter(last) && (r < 0x80) != (last < 0x80) {
			bits += mixedBits
		}
		last = r
	}
	return bits, beyond > 0 && dear*2 <= beyond
}
