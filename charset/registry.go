package charset

import (
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// registry is every encoding with its labels: those of the WHATWG Encoding
// Standard and Python's, without the spellings that differ only in case and
// punctuation. It is laid out by the compiler: no code runs to build it.
var registry = [...]Encoding{
	{name: "utf-8", labels: "unicode-1-1-utf-8 unicode20utf8 x-unicode20utf8 u8 utf utf8-ucs2 utf8-ucs4 cp65001",
		load: func() codec { return utf8Codec{} }},
	{name: "utf-8-sig", bom: utf8BOM,
		load: func() codec { return utf8Codec{sig: true} }},
	{name: "utf-16", labels: "u16", unit: 2, bom: "\xff\xfe",
		load: func() codec { return utf16Codec{mark: true} }},
	{name: "utf-16le", labels: "unicodelittleunmarked csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff", unit: 2,
		load: func() codec { return utf16Codec{} }},
	{name: "utf-16be", labels: "unicodebigunmarked unicodefffe", unit: 2,
		load: func() codec { return utf16Codec{big: true} }},
	{name: "utf-32", labels: "u32", unit: 4, bom: "\xff\xfe\x00\x00",
		load: func() codec { return utf32Codec{mark: true} }},
	{name: "utf-32le", unit: 4,
		load: func() codec { return utf32Codec{} }},
	{name: "utf-32be", unit: 4,
		load: func() codec { return utf32Codec{big: true} }},
	{name: "ascii", labels: "us-ascii us 646 iso646-us iso_646.irv_1991 ansi_x3.4-1968 ansi_x3.4-1986 cp367 csascii ibm367 iso-ir-6",
		load: func() codec { return newOneToOne(0x80) }},
	{name: "latin-1", labels: "iso-8859-1 iso_8859-1:1987 8859 cp819 csisolatin1 ibm819 iso8859 iso-ir-100 l1 latin",
		load: func() codec { return newOneToOne(0x100) }},

	{name: "gbk", labels: "936 cp936 ms936 x-gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312-80 gb2312-1980 iso-ir-58 euc-cn eucgb2312-cn x-mac-simp-chinese", trail: 0x40,
		load: func() codec { return newDoubleByte(simplifiedchinese.GBK) }},
	{name: "gb18030", labels: "gb18030-2000", trail: 0x30,
		load: func() codec { return newGB18030() }},
	{name: "hz", labels: "hz-gb hz-gb-2312", trail: 0x21, modes: true,
		load: func() codec { return newHZ() }},
	{name: "big5", labels: "big5-hkscs hkscs cn-big5 csbig5 x-x-big5 big5-tw 950 cp950 ms950 x-mac-trad-chinese", trail: 0x40,
		load: func() codec { return newDoubleByte(traditionalchinese.Big5) }},
	{name: "shift_jis", labels: "932 cp932 ms932 csshiftjis mskanji sjis windows-31j x-sjis x-mac-japanese", trail: 0x40,
		load: func() codec { return newShiftJIS() }},
	{name: "euc-jp", labels: "cseucpkdfmtjapanese x-euc-jp ujis",
		load: func() codec { return newEUCJP() }},
	{name: "iso-2022-jp", labels: "csiso2022jp", trail: 0x21, modes: true,
		load: func() codec { return newISO2022JP() }},
	{name: "euc-kr", labels: "949 cp949 ms949 uhc cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ks-x-1001 windows-949 x-mac-korean", trail: 0x41,
		load: func() codec { return newDoubleByte(korean.EUCKR) }},

	{name: "windows-1250", labels: "1250 cp1250 x-cp1250", load: func() codec { return newSingleByte(charmap.Windows1250) }},
	{name: "windows-1251", labels: "1251 cp1251 x-cp1251", load: func() codec { return newSingleByte(charmap.Windows1251) }},
	{name: "windows-1252", labels: "1252 cp1252 x-cp1252", load: func() codec { return newSingleByte(charmap.Windows1252) }},
	{name: "windows-1253", labels: "1253 cp1253 x-cp1253", load: func() codec { return newSingleByte(charmap.Windows1253) }},
	{name: "windows-1254", labels: "1254 cp1254 x-cp1254 csisolatin5 iso-8859-9 iso_8859-9:1989 iso-ir-148 l5 latin5",
		load: func() codec { return newSingleByte(charmap.Windows1254) }},
	{name: "windows-1255", labels: "1255 cp1255 x-cp1255", load: func() codec { return newSingleByte(charmap.Windows1255) }},
	{name: "windows-1256", labels: "1256 cp1256 x-cp1256", load: func() codec { return newSingleByte(charmap.Windows1256) }},
	{name: "windows-1257", labels: "1257 cp1257 x-cp1257", load: func() codec { return newSingleByte(charmap.Windows1257) }},
	{name: "windows-1258", labels: "1258 cp1258 x-cp1258", load: func() codec { return newSingleByte(charmap.Windows1258) }},
	{name: "windows-874", labels: "874 cp874 dos-874 iso-8859-11 iso-8859-11-2001 thai tis-620 tis-620-0 tis-620-2529-0 tis-620-2529-1 iso-ir-166",
		load: func() codec { return newSingleByte(charmap.Windows874) }},

	{name: "iso-8859-2", labels: "csisolatin2 iso-ir-101 iso_8859-2:1987 l2 latin2", load: func() codec { return newISO8859(charmap.ISO8859_2) }},
	{name: "iso-8859-3", labels: "csisolatin3 iso-ir-109 iso_8859-3:1988 l3 latin3", load: func() codec { return newISO8859(charmap.ISO8859_3) }},
	{name: "iso-8859-4", labels: "csisolatin4 iso-ir-110 iso_8859-4:1988 l4 latin4", load: func() codec { return newISO8859(charmap.ISO8859_4) }},
	{name: "iso-8859-5", labels: "csisolatincyrillic cyrillic iso-ir-144 iso_8859-5:1988", load: func() codec { return newISO8859(charmap.ISO8859_5) }},
	{name: "iso-8859-6", labels: "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso_8859-6:1987",
		load: func() codec { return newISO8859(charmap.ISO8859_6) }},
	{name: "iso-8859-7", labels: "csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso_8859-7:1987 sun_eu_greek",
		load: func() codec { return newISO8859(charmap.ISO8859_7) }},
	{name: "iso-8859-8", labels: "csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso_8859-8:1988 visual",
		load: func() codec { return newISO8859(charmap.ISO8859_8) }},
	{name: "iso-8859-8-i", labels: "csiso88598i logical", load: func() codec { return newISO8859(charmap.ISO8859_8) }},
	{name: "iso-8859-10", labels: "csisolatin6 iso-ir-157 iso-8859-10-1992 l6 latin6", load: func() codec { return newISO8859(charmap.ISO8859_10) }},
	{name: "iso-8859-13", labels: "l7 latin7", load: func() codec { return newISO8859(charmap.ISO8859_13) }},
	{name: "iso-8859-14", labels: "iso-8859-14-1998 iso-celtic iso-ir-199 l8 latin8", load: func() codec { return newISO8859(charmap.ISO8859_14) }},
	{name: "iso-8859-15", labels: "csisolatin9 l9 latin9", load: func() codec { return newISO8859(charmap.ISO8859_15) }},
	{name: "iso-8859-16", labels: "iso-8859-16-2001 iso-ir-226 l10 latin10", load: func() codec { return newISO8859(charmap.ISO8859_16) }},
	{name: "koi8-r", labels: "cskoi8r koi koi8", load: func() codec { return newSingleByte(charmap.KOI8R) }},
	{name: "koi8-u", labels: "koi8-ru", load: func() codec { return newSingleByte(charmap.KOI8U) }},
	{name: "macintosh", labels: "csmacintosh mac x-mac-roman mac-roman", load: func() codec { return newSingleByte(charmap.Macintosh) }},
	{name: "x-mac-cyrillic", labels: "x-mac-ukrainian mac-cyrillic", load: func() codec { return newSingleByte(charmap.MacintoshCyrillic) }},
	{name: "x-user-defined", load: func() codec { return newSingleByte(charmap.XUserDefined) }},

	{name: "ibm866", labels: "866 cp866 csibm866", load: func() codec { return newSingleByte(charmap.CodePage866) }},
	{name: "cp437", labels: "437 cspc8codepage437 ibm437", load: func() codec { return newSingleByte(charmap.CodePage437) }},
	{name: "cp850", labels: "850 cspc850multilingual ibm850", load: func() codec { return newSingleByte(charmap.CodePage850) }},
	{name: "cp852", labels: "852 cspcp852 ibm852", load: func() codec { return newSingleByte(charmap.CodePage852) }},
	{name: "cp855", labels: "855 csibm855 ibm855", load: func() codec { return newSingleByte(charmap.CodePage855) }},
	{name: "cp858", labels: "858 csibm858 ibm858", load: func() codec { return newSingleByte(charmap.CodePage858) }},
	{name: "cp860", labels: "860 csibm860 ibm860", load: func() codec { return newSingleByte(charmap.CodePage860) }},
	{name: "cp862", labels: "862 cspc862latinhebrew ibm862", load: func() codec { return newSingleByte(charmap.CodePage862) }},
	{name: "cp863", labels: "863 csibm863 ibm863", load: func() codec { return newSingleByte(charmap.CodePage863) }},
	{name: "cp865", labels: "865 csibm865 ibm865", load: func() codec { return newSingleByte(charmap.CodePage865) }},
	{name: "cp037", labels: "037 csibm037 ebcdic-cp-ca ebcdic-cp-nl ebcdic-cp-us ebcdic-cp-wt ibm037 ibm039", load: func() codec { return newSingleByte(charmap.CodePage037) }},
	{name: "cp1047", labels: "1047 ibm1047", load: func() codec { return newSingleByte(charmap.CodePage1047) }},
	{name: "cp1140", labels: "1140 ibm1140", load: func() codec { return newSingleByte(charmap.CodePage1140) }},

	{name: "hex", modes: true, load: func() codec { return hexCodec{} }}, // the last: see Hex
}
